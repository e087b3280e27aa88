-- Mixed traffic for wrk: of ten requests eight read, one likes and one comments.
--   TOKEN=<of POST /api/users/login> wrk -t2 -c64 -d20s --latency -s load/mixed.lua http://127.0.0.1:3000
local headers = {
  ["Content-Type"] = "application/json",
  ["Authorization"] = "Token " .. (os.getenv("TOKEN") or ""),
}
local slugs = { "keep-the-log-book", "counting-without-rows", "compost-is-a-queue", "on-looms-and-numbers" }
number, refused, failed = 0, 0, 0
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function request()
  number = number + 1
  local article = "/api/articles/" .. slugs[number % #slugs + 1]
  local kind = number % 10
  if kind < 3 then return wrk.format("GET", "/api/articles?limit=20", headers) end
  if kind < 5 then return wrk.format("GET", article, headers) end
  if kind == 5 then return wrk.format("GET", "/api/articles?tag=machines", headers) end
  if kind == 6 then return wrk.format("GET", "/api/articles/feed", headers) end
  if kind == 7 then return wrk.format("GET", "/api/tags", headers) end
  if kind == 8 then return wrk.format("POST", article .. "/favorite", headers) end
  local body = '{"comment":{"body":"comment ' .. number .. '"}}'
  return wrk.format("POST", article .. "/comments", headers, body)
end

function response(status)
  if status == 503 then refused = refused + 1 elseif status >= 400 then failed = failed + 1 end
end

function done()
  local unavailable, wrong = 0, 0
  for _, thread in ipairs(threads) do
    unavailable = unavailable + thread:get("refused")
    wrong = wrong + thread:get("failed")
  end
  print(string.format("503: %d, other errors: %d", unavailable, wrong))
end
