-- Each Bearer token of the file is sent once; the file has more than a run can use.
local tokens, sent = {}, 0

function init(args)
  for line in io.lines(args[1]) do tokens[#tokens + 1] = line end
end

function request()
  sent = sent + 1
  if sent > #tokens then
    -- A token sent twice would be warm: rather a 401 that fails the run.
    return wrk.format("GET", nil, { ["Authorization"] = "Bearer the-tokens-are-used-up" })
  end
  return wrk.format("GET", nil, { ["Authorization"] = "Bearer " .. tokens[sent] })
end
