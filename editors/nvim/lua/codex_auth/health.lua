-- :checkhealth codex_auth: what the server's doctor finds, without leaving this machine.
local function check()
  local health, checks = vim.health, nil
  health.start('codex_auth')
  require('codex_auth').request('auth/doctor', {}, function(result) checks = result.checks end)
  vim.wait(15000, function() return checks end, 50)
  if not checks then return health.error('The sign-in server did not answer.') end
  for _, one in ipairs(checks) do
    local report = one.status == 'warning' and health.warn or health[one.status] or health.info
    report(one.summary, vim.tbl_map(function(it) return it.title end, one.remediation or {}))
  end
end

return { check = check }
