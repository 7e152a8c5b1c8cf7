# Sourced by the other scripts: makes sure that there is something to render with.
#
# A Vulkan loader and at least one driver are enough. On Debian and Ubuntu a software driver (Mesa's lavapipe) is installed
# where there is none; elsewhere this says what to install. macOS and Windows bring Metal and DX12.

have_vulkan() {
    case "$(uname -s)" in Darwin | MINGW* | MSYS* | CYGWIN*) return 0 ;; esac
    # Not through a pipe: grep would close it early, and under pipefail that reads as if there were nothing.
    [[ "$(ldconfig -p 2>/dev/null)" == *libvulkan.so.1* ]] || return 1
    [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && return 0
    local folder
    for folder in /usr/share/vulkan/icd.d /etc/vulkan/icd.d /usr/local/share/vulkan/icd.d; do
        compgen -G "$folder/*.json" >/dev/null && return 0
    done
    return 1
}

ensure_vulkan() {
    # Mesa's device-selection layer complains on machines without a desktop session and does nothing for us.
    export NODEVICE_SELECT=1
    have_vulkan && return 0
    if command -v apt-get >/dev/null; then
        echo "no Vulkan driver found: installing Mesa's software driver (mesa-vulkan-drivers, libvulkan1)"
        local as_root=()
        [ "$(id -u)" -eq 0 ] || as_root=(sudo)
        "${as_root[@]}" apt-get update -qq
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mesa-vulkan-drivers libvulkan1 >/dev/null
        have_vulkan && return 0
    fi
    echo "no Vulkan driver found. Install one, for example Mesa's software driver:" >&2
    echo "  Fedora: dnf install mesa-vulkan-drivers vulkan-loader" >&2
    echo "  Arch:   pacman -S vulkan-swrast vulkan-icd-loader" >&2
    echo "  Alpine: apk add mesa-vulkan-swrast vulkan-loader" >&2
    return 1
}
