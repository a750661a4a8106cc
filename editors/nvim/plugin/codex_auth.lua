-- The commands; the code behind them is loaded by the first one that is run.
local function command(name, action, options)
  vim.api.nvim_create_user_command(name, function(arguments)
    require('codex_auth')[action](arguments.args ~= '' and arguments.args or nil)
  end, options or {})
end

command('CodexSignIn', 'sign_in', {
  nargs = '?',
  complete = function() return { 'browser', 'deviceCode', 'apiKey' } end,
})
command('CodexCancel', 'cancel')
command('CodexPaste', 'paste')
command('CodexSignOut', 'sign_out')
command('CodexStatus', 'status')
