# shellcheck shell=bash
# Completion of cppwebsocket's commands and options in bash.
_cppwebsocket() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W 'new build serve check install status connections close publish drain --help --version' -- "$word")
    return
  fi
  case "$before" in
    --mpm) mapfile -t COMPREPLY < <(compgen -W 'event worker prefork' -- "$word"); return ;;
    --sanitize) mapfile -t COMPREPLY < <(compgen -W 'address thread' -- "$word"); return ;;
    --libs)
      mapfile -t COMPREPLY < <(compgen -W "$(pkg-config --list-package-names 2>/dev/null)" -- "$word")
      return
      ;;
    --user) [[ ${COMP_WORDS[1]} == check ]] || return 0; mapfile -t COMPREPLY < <(compgen -u -- "$word"); return ;;
    --root | -o) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --port | --tls-port | --url | --login | --address | --handler | --channel | --search | --child | --id | --limit | --after | --code | --reason) return ;;
  esac
  case "${COMP_WORDS[1]}" in
    build) options='-o --libs --sanitize --help' ;;
    serve) options='--port --tls-port --mpm --http2 --libs --sanitize --gdb --help' ;;
    check) options='--allow-outside --user --no-handshake --help' ;;
    install) options='--root --help' ;;
    new) options='--help' ;;
    status | publish | drain) options='--url --json --login --insecure --help' ;;
    connections) options='--user --address --handler --channel --search --child --id --limit --after --url --json --login --insecure --help' ;;
    close) options='--user --address --handler --channel --search --child --id --code --reason --url --json --login --insecure --help' ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    return
  fi
  compopt -o filenames
  case "${COMP_WORDS[1]}" in
    build) mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.cpp' -- "$word") ;;
    install) mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*_wsh.so' -- "$word") ;;
    serve | check) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
  esac
}
complete -F _cppwebsocket cppwebsocket
