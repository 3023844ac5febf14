// A webhook receiver as a careful Go programmer writes it by hand: standard library, and only the fields that matter.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

type event struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Created  int64  `json:"created"`
	Livemode bool   `json:"livemode"`
	Data     struct {
		Object struct {
			ID       string            `json:"id"`
			Object   string            `json:"object"`
			Status   string            `json:"status"`
			Customer json.RawMessage   `json:"customer"`
			Metadata map[string]string `json:"metadata"`
		} `json:"object"`
		PreviousAttributes struct {
			Status string `json:"status"`
		} `json:"previous_attributes"`
	} `json:"data"`
}

var errSignature = errors.New("invalid signature")

func verify(header string, body, secret []byte, now time.Time) error {
	var stamp string
	var signatures [][]byte
	for _, part := range strings.Split(header, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "t":
			stamp = value
		case "v1":
			if code, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, code)
			}
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errSignature
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(stamp))
	mac.Write([]byte("."))
	mac.Write(body)
	expected := mac.Sum(nil)
	for _, signature := range signatures {
		if hmac.Equal(signature, expected) {
			if age := now.Unix() - seconds; age > 300 || age < -300 {
				return errSignature
			}
			return nil
		}
	}
	return errSignature
}

func main() {
	secret := []byte(os.Getenv("SECRET"))
	http.HandleFunc("/webhook", func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, 1<<20))
		if err != nil {
			http.Error(answer, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		var parsed event
		if verify(request.Header.Get("Stripe-Signature"), body, secret, time.Now()) != nil ||
			json.Unmarshal(body, &parsed) != nil || parsed.ID == "" {
			http.Error(answer, "refused", http.StatusBadRequest)
			return
		}
		answer.Header().Set("Content-Type", "application/json")
		io.WriteString(answer, `{"received":true,"event_id":"`+parsed.ID+`"}`)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
