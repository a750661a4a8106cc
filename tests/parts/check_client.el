;;; check_client.el --- Does what a scenario of check-client asks for  -*- lexical-binding: t; -*-

(setq browse-url-browser-function #'browse-url-generic browse-url-generic-program "xdg-open")

(defun until-shown (text)
  "Wait until the mode line has TEXT."
  (with-timeout (20 (error "It shows %s" (codex-auth--words)))
    (while (not (string-search text (codex-auth--words))) (accept-process-output nil 0.02))))

(codex-auth-mode 1)
(pcase (getenv "CODEX_AUTH_CHECK")
  ("device-code"
   (codex-auth-sign-in-with-device-code)
   (until-shown "plus@"))
  ("cancel"
   (codex-auth-sign-in-with-browser)
   (until-shown "Signing in")
   (codex-auth-cancel)
   (until-shown "Signed Out"))
  ("sign-out"
   (until-shown "plus@")
   (codex-auth-sign-out)
   (until-shown "Signed Out"))
  ("outside-logout"
   (until-shown "plus@")
   (until-shown "Signed Out"))
  ("needs-sign-in-again"
   (until-shown "Sign In Again")
   (codex-auth-sign-in-with-browser)
   (until-shown "pro@"))
  ("server-error"
   (codex-auth-sign-in-with-browser)
   (while codex-auth--attempt (accept-process-output nil 0.02)))
  (_
   (codex-auth-sign-in-with-browser)
   (until-shown "plus@")))
(kill-emacs)
