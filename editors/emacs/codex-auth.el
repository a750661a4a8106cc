;;; codex-auth.el --- Sign-in to OpenAI's Codex  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; SPDX-License-Identifier: MIT
;;; Commentary:
;; A client of the language server codex-auth-lsp, as protocol.md says; nothing is polled.

;;; Code:
(require 'jsonrpc)
(require 'map)
(defcustom codex-auth-command '("codex-auth-lsp")
  "The server's command line; a bare name is looked for in `exec-path'."
  :group 'tools :type '(repeat string) :risky t)
(defconst codex-auth--restart-delays '(0.5 2 8) "Seconds; then the next command starts it.")
(defvar codex-auth--crashes 0 "How many there were since a person asked for anything.")
(defvar codex-auth--connection nil "The running server.")
(defvar codex-auth--requests nil "What it answers, once it has said so.")
(defvar codex-auth--status nil "The latest AuthStatus; nil while it is not known.")
(defvar codex-auth--attempt nil "Id of the sign-in that was begun here.")
(defconst codex-auth--buffer "*Codex sign-in*" "Where it is shown what the person has to do.")

(defun codex-auth--tell (text &optional remedies)
  "Say TEXT, and with REMEDIES what the person can do about it."
  (pcase-dolist ((map :title :command :url) (append remedies nil))
    (let* ((sign-in (string-prefix-p "codexAuth.signIn" (or command "")))
           (how (if sign-in "M-x codex-auth-sign-in" url)))
      (cond (how (setq text (format "%s %s (%s)." text title how)))
            ((not command) (setq text (format "%s %s." text title))))))
  (message "%s" text))

(defun codex-auth--start (&optional again)
  "Start the server where none runs, or AGAIN, away from the folder that is edited."
  (unless again (setq codex-auth--crashes 0))
  (condition-case nil
      (unless codex-auth--connection
        (let* ((default-directory invocation-directory)
               (exec-path (default-value 'exec-path))
               (environment (default-value 'process-environment))
               (process-environment (append '("PYTHONPATH" "PYTHONHOME") environment))
               (program (or (executable-find (car codex-auth-command)) (signal 'file-error nil)))
               (process (make-process :name "codex-auth" :noquery t
                                      :command (cons program (cdr codex-auth-command))
                                      :connection-type 'pipe :coding 'utf-8-emacs-unix
                                      :stderr (get-buffer-create "*codex-auth stderr*"))))
          (setq codex-auth--connection
                (apply #'make-instance 'jsonrpc-process-connection
                       :name "codex-auth" :process process :on-shutdown #'codex-auth--ended
                       :notification-dispatcher #'codex-auth--hear
                       :request-dispatcher (lambda (&rest _) (jsonrpc-error "Not known here"))
                       (if (boundp 'jsonrpc-event-hook) ; Emacs 30; else secrets stand in a buffer
                           '(:events-buffer-config (:size 0 :format full))
                         '(:events-buffer-scrollback-size 0)))))
        (pcase-let* ((able '(:experimental (:auth (:protocolVersion 1 :loginPrompt t))))
                     (hello `(:processId ,(emacs-pid) :rootUri nil :capabilities ,able))
                     (answer (jsonrpc-request codex-auth--connection 'initialize hello))
                     ((map :protocolVersion :requests)
                      (map-nested-elt answer '(:capabilities :experimental :auth))))
          (unless (eql protocolVersion 1) (signal 'jsonrpc-error nil))
          (setq codex-auth--requests (append requests '("workspace/executeCommand") nil))
          (jsonrpc-notify codex-auth--connection 'initialized (make-hash-table))))
    (file-error (message "codex-auth-lsp was not found.  Install it: pipx install codex-auth-lsp"))
    (jsonrpc-error
     (when codex-auth--connection ; else it has ended, which was told
       (message "The Codex sign-in server is too old or new: pipx upgrade codex-auth-lsp")
       (codex-auth--stop)))))

(defun codex-auth--stop ()
  "Let the server end; it stores what it has begun before it does."
  (when codex-auth--connection
    (process-send-eof (jsonrpc--process codex-auth--connection))))

(defun codex-auth--ended (connection)
  "Forget CONNECTION, whose server has ended, and start another after a crash."
  (when (eq connection codex-auth--connection)
    (setq codex-auth--connection nil codex-auth--requests nil codex-auth--status nil)
    (codex-auth--end-attempt codex-auth--attempt)
    (force-mode-line-update t)
    (unless (eql 0 (process-exit-status (jsonrpc--process connection))) ; it was asked to end
      (when (= 1 (cl-incf codex-auth--crashes))
        (message "The Codex sign-in server ended unexpectedly and is started again; %s"
                 "if it goes on ending, codex-auth-lsp doctor in a terminal may say why."))
      (when-let ((delay (nth (1- codex-auth--crashes) codex-auth--restart-delays)))
        (run-at-time delay nil #'codex-auth--start t)))))

(defun codex-auth--request (method params &optional done)
  "Ask METHOD with PARAMS, and call DONE with the result; a failure is told."
  (codex-auth--start)
  (when (member (symbol-name method) codex-auth--requests)
    (jsonrpc-async-request
     codex-auth--connection method params :timeout nil :success-fn (or done #'ignore)
     :error-fn (pcase-lambda ((map :code :message :data))
                 (codex-auth--end-attempt (plist-get params :attemptId))
                 (unless (memq code '(-32800 -32802 -1)) ; cancelled, superseded; the server is gone
                   (codex-auth--tell message (plist-get data :remediation)))))))

(defun codex-auth--hear (connection method params)
  "Take in the notification METHOD with PARAMS, if CONNECTION is still in use."
  (pcase-let (((map :status :attemptId :message :actions) params))
    (when (eq connection codex-auth--connection)
      (pcase method
        ('auth/statusChanged
         (when (> (plist-get status :revision) (or (plist-get codex-auth--status :revision) -1))
           (setq codex-auth--status status) (force-mode-line-update t)))
        ('auth/loginPrompt (codex-auth--show params))
        ('auth/loginCompleted (codex-auth--end-attempt attemptId))
        ((or 'auth/notice 'window/showMessage) (codex-auth--tell message actions))))))

(defun codex-auth--end-attempt (id)
  "Forget the attempt ID and what it has shown."
  (when (and id (equal id codex-auth--attempt))
    (setq codex-auth--attempt nil)
    (when (get-buffer codex-auth--buffer)
      (quit-windows-on codex-auth--buffer t)
      (when (get-buffer codex-auth--buffer) (kill-buffer codex-auth--buffer)))))

(defun codex-auth--show (prompt)
  "Show what PROMPT asks of the person."
  (pcase-let (((map :attemptId :url :completeUrl :userCode :message) prompt))
    (when (equal attemptId codex-auth--attempt)
      (pop-to-buffer codex-auth--buffer)
      (special-mode)
      (let ((inhibit-read-only t))
        (insert message "\n"
                (if userCode (format "Code: %s" userCode)
                  "Paste an address with M-x codex-auth-paste; for a code, M-x codex-auth-sign-in.")
                "\nC-c RET opens the page, M-x codex-auth-cancel ends the sign-in.\n")
        (save-excursion (insert (or completeUrl url) "\n")))
      (visual-line-mode)
      (goto-address-mode)
      ;; Over SSH a page would open on the wrong machine, and a code has to be seen first.
      (unless (or userCode (getenv "SSH_CONNECTION" (selected-frame)))
        (browse-url url)))))

(defun codex-auth--read (prompt)
  "Read with PROMPT what nobody may see, in the record of keys of Emacs 28 neither."
  (unwind-protect (read-passwd prompt) (clear-this-command-keys)))

(defun codex-auth-sign-in ()
  "Sign in to Codex, in one of the ways that the server offers here."
  (interactive)
  (codex-auth--start)
  (when codex-auth--requests ; else it was said why
    (let* ((methods (jsonrpc-request codex-auth--connection 'auth/methods nil))
           (usable (seq-filter (lambda (one) (eq (plist-get one :available) t))
                               (plist-get methods :methods)))
           (choice (read-multiple-choice
                    "Sign in to Codex: "
                    (seq-map-indexed (pcase-lambda ((map :title :description) index)
                                       (list (+ ?1 index) title description))
                                     usable)))
           (method (plist-get (nth (- (car choice) ?1) usable) :id))
           (prompt "API key, from https://platform.openai.com/api-keys (billed at API rates): ")
           (key (and (equal method "apiKey") (list :apiKey (codex-auth--read prompt)))))
      (codex-auth--end-attempt codex-auth--attempt)
      (setq codex-auth--attempt (format "emacs.%d.%d" (emacs-pid) (random most-positive-fixnum)))
      (codex-auth--request
       'auth/login `(:method ,method :attemptId ,codex-auth--attempt ,@key)
       (pcase-lambda ((map :message :links)) (codex-auth--tell message links))))))

(defun codex-auth-paste ()
  "Hand in the address of a page that a browser elsewhere could not load."
  (interactive)
  (codex-auth--request 'auth/submitCallback `(:url ,(codex-auth--read "Whole address of that page: "))))

(defun codex-auth-cancel ()
  "End the sign-in that waits."
  (interactive)
  (codex-auth--request 'auth/cancelLogin nil))

(defun codex-auth-sign-out ()
  "Sign out of Codex on this machine, the Codex CLI included."
  (interactive)
  (codex-auth--request 'workspace/executeCommand '(:command "codexAuth.signOut")))

(defun codex-auth-status ()
  "Say who is signed in to Codex."
  (interactive)
  (codex-auth--request 'workspace/executeCommand '(:command "codexAuth.status")))

(defun codex-auth-mode-line ()
  "Return who is signed in, in a word or two."
  (pcase-let (((map :state :pendingLogin :method :account) codex-auth--status))
    (format " [Codex: %s]"
            (cond ((not codex-auth--connection) "Stopped")
                  (pendingLogin "Signing in…")
                  ((equal state "signedIn")
                   (string-replace "%" "%%" (or (plist-get account :label) "Signed In")))
                  ((equal state "signedOut") "Signed Out")
                  ((equal state "needsReauth") "Sign In Again")
                  ((not state) "…")
                  ((not (equal state "notRequired")) "Login Unreadable")
                  (method "Environment Key")
                  ("No Sign-In Needed")))))

(define-minor-mode codex-auth-mode
  "Show in the mode line who is signed in to Codex."
  :global t :group 'tools
  (add-to-list 'mode-line-misc-info '(codex-auth-mode (:eval (codex-auth-mode-line))))
  (if codex-auth-mode (codex-auth--start) (codex-auth--stop)))

(provide 'codex-auth)
;;; codex-auth.el ends here
