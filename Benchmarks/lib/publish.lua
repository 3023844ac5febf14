-- wrk script: publishes events with the same payload, each under a key of its own.
dofile("Benchmarks/lib/figures.lua")
local token, body, run, number = os.getenv("TOKEN"), os.getenv("BODY"), os.getenv("RUN"), 0

function request()
    number = number + 1
    local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token,
        ["Idempotency-Key"] = run .. "-" .. number }
    return wrk.format("POST", nil, headers, body)
end
