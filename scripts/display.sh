# Sourced by the other scripts: makes sure that there is a virtual display to open the window on (Xvfb), on Linux.

ensure_display() {
    [ "$(uname -s)" = Linux ] || return 0
    command -v Xvfb >/dev/null && return 0
    if command -v apt-get >/dev/null; then
        echo "no virtual display found: installing Xvfb (xvfb, libxkbcommon-x11-0, libxcursor1, libxi6, libxrandr2)"
        local as_root=()
        [ "$(id -u)" -eq 0 ] || as_root=(sudo)
        "${as_root[@]}" apt-get update -qq
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            xvfb libxkbcommon-x11-0 libxcursor1 libxi6 libxrandr2 >/dev/null
        command -v Xvfb >/dev/null && return 0
    fi
    echo "no virtual display found: install Xvfb" >&2
    echo "  Fedora: dnf install xorg-x11-server-Xvfb libxkbcommon-x11    Arch: pacman -S xorg-server-xvfb libxkbcommon-x11" >&2
    return 1
}
