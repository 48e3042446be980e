-- Load from outside: questions asked in turn.
--
--   wrk -t 1 -c 4 -d 20s --latency -s tests/load/read.lua URL -- TOKEN PATH…
--
-- for instance the paths "/events?EQ_bizStep=packing&perPage=30" and "/trace?id=…&direction=down".

local token, paths, at = nil, {}, 0

function init(arguments)
   token = assert(arguments[1], "give an API key that may read")
   for i = 2, #arguments do paths[#paths + 1] = arguments[i] end
   assert(#paths > 0, "give the paths to ask for")
end

function request()
   at = at % #paths + 1
   return wrk.format("GET", paths[at], { ["Authorization"] = "Bearer " .. token })
end

function done(summary, latency)
   print(string.format("%.0f answers/s, failed: %d status, %d late; p50 %.2f ms, p99 %.2f ms",
      summary.requests / (summary.duration / 1e6), summary.errors.status, summary.errors.timeout,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
