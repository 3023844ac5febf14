-- wrk script: posts the webhooks of one deck in turn and prints one line of figures.
local deck = os.getenv("DECK")

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

local before, after, ids, signatures, index = read(deck .. ".before"), read(deck .. ".after"), {}, {}, 0
for line in io.lines(deck .. ".cards") do
    local id, signature = line:match("^(%S+)\t(%S+)$")
    ids[#ids + 1] = id
    signatures[#signatures + 1] = signature
end

function request()
    index = index % #ids + 1
    local headers = { ["Content-Type"] = "application/json", ["Stripe-Signature"] = signatures[index] }
    return wrk.format("POST", nil, headers, before .. ids[index] .. after)
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("FIGURES %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
        latency:percentile(99), errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
