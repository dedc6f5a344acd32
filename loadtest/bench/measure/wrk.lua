-- Load script for wrk: one prepared request per token, sent in turn.
-- Arguments: file with a token per line, file with the body.

local requests = {}
local turn = 0

function init(args)
  local body = io.open(args[2]):read("*a")
  for token in io.lines(args[1]) do
    local headers = {
      ["User-Agent"] = "gatehouse-bench",
      ["Accept"] = "application/json, text/event-stream",
      ["Accept-Language"] = "*",
      ["Accept-Encoding"] = "gzip, deflate",
      ["Content-Type"] = "application/json",
      ["MCP-Protocol-Version"] = "2025-06-18",
      ["Authorization"] = "Bearer " .. token,
    }
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"otherStatus":%d,"lost":%d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
