-- Asks the gateway about a request of HAProxy's: the action "verify" says "allow" in txn.gateway_verdict, or leaves it
-- unsaid; then the action "refuse" answers as the gateway spells it.

local VERIFY = os.getenv("GATEWAY") .. "/_gateway/verify"
local MILLISECONDS = 5000

-- Of a verdict, what the ERP gets in place of the client's; and what a client may be told of a refusal.
local CREDENTIALS = {["authorization"] = true, ["x-api-key"] = true, ["cookie"] = true, ["referer"] = true}
local TOLD = {
  ["content-type"] = true, ["www-authenticate"] = true, ["retry-after"] = true, ["cache-control"] = true,
  ["vary"] = true, ["x-request-id"] = true,
}

-- A name as an ERP may read it that takes _ and . for -
local function folded(name)
  return (name:lower():gsub("[_.]", "-"))
end

-- Said by the gateway alone: no client's header of such a name passes, in any spelling.
local function is_ours(name)
  return CREDENTIALS[name] or name:find("^x%-auth%-") or name:find("^x%-gateway%-") or name == "x-request-id"
end

-- Values of one header in their order; HAProxy counts from 0.
local function in_order(values)
  local list, at = {}, 0
  while values[at] do
    table.insert(list, values[at])
    at = at + 1
  end
  return list
end

-- What HAProxy knows of the original request, each thing once, and of the client's headers those that are end to end.
local function question(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    local lower = name:lower()
    if not lower:find("^x%-auth%-") and not lower:find("[_.]") then
      headers[lower] = in_order(values)
    end
  end
  for _, name in ipairs({"host", "connection", "upgrade", "keep-alive", "te", "expect", "content-length", "transfer-encoding"}) do
    headers[name] = nil
  end
  headers["x-forwarded-method"] = {txn.sf:method()}
  headers["x-forwarded-uri"] = {txn.sf:pathq()}
  return headers
end

local function allow(txn, headers)
  for name in pairs(txn.http:req_get_headers()) do
    if is_ours(folded(name)) or name:find("[_.]") then txn.http:req_del_header(name) end
  end
  for name, values in pairs(headers) do
    local lower = name:lower()
    local value = values[0]
    if lower == "x-gateway-uri" then
      txn:set_var("txn.gateway_uri", value)
    elseif lower == "set-cookie" then
      txn:set_var("txn.gateway_set_cookie", value)
    elseif lower == "referrer-policy" then
      txn:set_var("txn.gateway_private", "1")
    elseif is_ours(lower) then
      txn.http:req_set_header(name, value)
    end
    if lower == "x-auth-user" then txn:set_var("txn.gateway_user", value) end
  end
  txn:set_var("txn.gateway_verdict", "allow")
end

core.register_action("verify", {"http-req"}, function(txn)
  local answer = core.httpclient():get{url = VERIFY, headers = question(txn), timeout = MILLISECONDS}
  if answer and answer.status == 200 then
    allow(txn, answer.headers)
  else
    txn:set_priv(answer)
  end
end)

core.register_action("refuse", {"http-req"}, function(txn)
  local answer = txn:get_priv()
  if not answer or (answer.status ~= 401 and answer.status ~= 403 and answer.status ~= 503) then
    return -- nobody has answered; HAProxy says so itself
  end
  local reply = txn:reply{status = answer.status}
  for name, values in pairs(answer.headers) do
    if TOLD[name:lower()] or name:lower():find("^access%-control%-") then
      for _, value in ipairs(in_order(values)) do reply:add_header(name, value) end
    end
  end
  reply:set_body(answer.body or "")
  txn:done(reply)
end)
