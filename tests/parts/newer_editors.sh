#!/bin/sh
# Unpacks the editors of a newer Debian into tests/parts/newer, beside those that are installed.
# They run from there, on libraries of their own. It needs root for debootstrap's sake, which
# downloads and verifies here; nothing is installed, and nothing outside that folder is touched.
set -eu
release=trixie
cd "$(dirname "$0")"
if [ "$(cat newer/.release 2>/dev/null)" = "$release" ]; then
  echo "All there: the editors of $release"
  exit
fi
rm -rf newer
mkdir newer
root=$PWD/newer
debootstrap --variant=minbase --download-only --include=neovim,emacs-nox "$release" "$root/debs" \
  >"$root/log" 2>&1 || { tail -n 5 "$root/log"; exit 1; }
cd "$root/debs/var/cache/apt/archives"
for package in emacs*.deb neovim*.deb lua*.deb lib*.deb zlib*.deb; do
  dpkg-deb --extract "$package" "$root"
done
cd "$root"
rm -rf debs log

libraries=$root/usr/lib/$(uname -m)-linux-gnu
for program in nvim emacs-nox emacsclient.emacs; do
  patchelf --set-interpreter "$(echo "$libraries"/ld-linux-*.so.*)" --force-rpath \
    --set-rpath "$libraries" "usr/bin/$program"
done

# Emacs looks for its own files at the place that it was built for, unless it is told otherwise.
mkdir bin
ln -s ../usr/bin/nvim bin/nvim
ln -s ../usr/bin/emacsclient.emacs bin/emacsclient
share=$(echo "$root"/usr/share/emacs/[0-9]*)
dump=$(echo "$root"/usr/libexec/emacs/*/*/emacs-*.pdmp)
cat >bin/emacs <<END
#!/bin/sh
export EMACSLOADPATH="$share/lisp" EMACSDATA="$share/etc" EMACSDOC="$share/etc"
export EMACSPATH="$(dirname "$dump")"
exec "$root/usr/bin/emacs-nox" --dump-file="$dump" "\$@"
END
chmod +x bin/emacs
bin/nvim --version | head -n 1
bin/emacs --version | head -n 1
echo "$release" >.release
