-- Load from outside: documents posted to a server, each once.
--
--   wrk -t 1 -c 4 -d 20s --latency -s tests/load/capture.lua URL -- FOLDER TOKEN [PATH]
--
-- FOLDER holds documents as `countermark bench --documents FOLDER` writes them. A document that was
-- posted before would be answered quickly, as known already, so when none is left the run says so.

local files, token, path, at = {}, nil, "/capture", 0
local posted = 0

function init(arguments)
   local folder = assert(arguments[1], "give the folder of the documents")
   token = assert(arguments[2], "give an API key that may capture")
   path = arguments[3] or path
   for name in io.popen('ls "' .. folder .. '"'):lines() do
      local file = assert(io.open(folder .. "/" .. name, "rb"))
      files[#files + 1] = file:read("*a")
      file:close()
   end
   assert(#files > 0, "no documents in " .. folder)
end

function request()
   at = at + 1
   if at > #files then
      if at == #files + 1 then io.stderr:write("every document was posted; write more\n") end
      return wrk.format("GET", "/health/live")
   end
   posted = posted + 1
   return wrk.format("POST", path, {
      ["Authorization"] = "Bearer " .. token,
      ["Content-Type"] = "application/json",
   }, files[at])
end

local answers = {}

function response(status)
   answers[status] = (answers[status] or 0) + 1
   if status ~= 202 and status ~= 201 and status ~= 200 then
      io.stderr:write("answer " .. status .. "\n")
   end
end

function done(summary, latency)
   print(string.format("requests %d in %.2f s, failed: %d connect, %d read, %d write, %d status, %d late",
      summary.requests, summary.duration / 1e6, summary.errors.connect, summary.errors.read,
      summary.errors.write, summary.errors.status, summary.errors.timeout))
   print(string.format("latency p50 %.1f ms, p99 %.1f ms",
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
