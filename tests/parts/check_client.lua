-- Does in Neovim what a scenario of check-client asks a person for, and quits as it says.
local codex = require('codex_auth')
local scenario = vim.env.CODEX_AUTH_CHECK

local function until_shown(text)
  assert(vim.wait(20000, function() return codex.statusline():find(text, 1, true) end, 20), codex.statusline())
end

codex.setup({})
until_shown(({ ['sign-out'] = 'plus@', ['outside-logout'] = 'plus@' })[scenario] or 'Codex: ')
if scenario == 'sign-out' then
  vim.cmd.CodexSignOut()
  until_shown('Signed Out')
elseif scenario == 'outside-logout' then
  until_shown('Signed Out')
elseif scenario == 'device-code' then
  codex.sign_in('deviceCode')
  until_shown('plus@')
elseif scenario == 'needs-sign-in-again' then
  until_shown('Sign In Again')
  codex.sign_in('browser')
  until_shown('pro@')
elseif scenario == 'cancel' then
  codex.sign_in('browser')
  until_shown('Signing in')
  vim.cmd.CodexCancel()
  until_shown('Signed Out')
elseif scenario == 'server-error' then
  local told
  vim.notify = function(message) told = message end
  codex.sign_in('browser')
  assert(vim.wait(20000, function() return told end, 20))
else
  codex.sign_in('browser')
  until_shown('plus@')
end
vim.cmd('qall!')
