;;; check_client.el --- Does what a scenario of check-client asks for  -*- lexical-binding: t; -*-

(require 'cl-lib)

(setq browse-url-browser-function #'browse-url-generic browse-url-generic-program "xdg-open")

(defun until-shown (text)
  "Wait until the mode line has TEXT."
  (with-timeout (20 (error "It shows %s" (codex-auth-mode-line)))
    (while (not (string-search text (codex-auth-mode-line))) (accept-process-output nil 0.02))))

(defun sign-in (method)
  "Choose the way of signing in whose title has METHOD."
  (cl-letf (((symbol-function 'read-multiple-choice)
             (lambda (_prompt ways)
               (seq-find (lambda (way) (string-search method (nth 1 way))) ways))))
    (codex-auth-sign-in)))

(codex-auth-mode 1)
(pcase (getenv "CODEX_AUTH_CHECK")
  ("device-code"
   (sign-in "device code")
   (until-shown "plus@"))
  ("cancel"
   (sign-in "ChatGPT")
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
   (sign-in "ChatGPT")
   (until-shown "pro@"))
  ("server-error"
   (sign-in "ChatGPT")
   (while codex-auth--attempt (accept-process-output nil 0.02)))
  (_
   (sign-in "ChatGPT")
   (until-shown "plus@")))
(kill-emacs)
