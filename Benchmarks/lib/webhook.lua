-- wrk script: posts the webhooks of one deck in turn.
dofile("Benchmarks/lib/figures.lua")
local deck = os.getenv("DECK")

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

local pieces, numbers, signatures, index = {}, {}, {}, 0
for piece in (read(deck .. ".body") .. "@NUMBER@"):gmatch("(.-)@NUMBER@") do pieces[#pieces + 1] = piece end
for line in io.lines(deck .. ".cards") do
    local number, signature = line:match("^(%S+)\t(%S+)$")
    numbers[#numbers + 1] = number
    signatures[#signatures + 1] = signature
end

function request()
    index = index % #numbers + 1
    local headers = { ["Content-Type"] = "application/json", ["Stripe-Signature"] = signatures[index] }
    return wrk.format("POST", nil, headers, table.concat(pieces, numbers[index]))
end
