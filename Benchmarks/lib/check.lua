-- wrk script: asks the Billing API for accounts in turn.
dofile("Benchmarks/lib/figures.lua")
local token, accounts, number = os.getenv("TOKEN"), tonumber(os.getenv("ACCOUNTS")), 0
local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }

function request()
    -- A large odd step visits accounts far from each other.
    number = (number + 7919) % accounts
    local body = string.format('{"account_id":"00000000-0000-4000-8000-%012d","scope":"llm:proxy"}', number)
    return wrk.format("POST", nil, headers, body)
end
