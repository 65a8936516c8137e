"""What debian/ says against what `cmake --install` installs and README names, one version everywhere, other machines,
apxs, triggers, scripts/sbom, and the way back. The packages themselves are built and tried by scripts/package.

usage: packaging.py PROJECT BUILD"""

import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROJECT, BUILD = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
DEBIAN = PROJECT / "debian"
problems = []


def entries(path):
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def check_versions():
    """CMakeLists.txt's is the one; the others have to be written down where they are."""
    version = re.search(r"^project\(mod_cppwebsocket VERSION ([\d.]+)", (PROJECT / "CMakeLists.txt").read_text(), re.M)[1]
    for file, form in {"client/package.json": r'"version": "([\d.]+)"', "CHANGELOG.md": r"^## ([\d.]+)",
                       "debian/changelog": r"^mod-cppwebsocket \(([\d.]+)-\d+\)"}.items():
        found = re.search(form, (PROJECT / file).read_text(), re.M)
        if not found or found[1] != version:
            problems.append(f"{file} has version {found and found[1]}, and CMakeLists.txt {version}")


def check_lists():
    """README names the packages that debian/control builds with, but for Debian's own tools, and what every build there has."""
    control, readme = (DEBIAN / "control").read_text(), (PROJECT / "README.md").read_text()
    needs = set(re.findall(r"^ ([\w.+-]+)", re.search(r"^Build-Depends:\n((?: .*\n)+)", control, re.M)[1], re.M))
    needs = needs - {"debhelper-compat", "dh-apache2"} | {"apache2", "g++", "make", "openssl"}
    named = re.search(r"^## In your own httpd\n.*?apt-get install -y ([^#]*)#", readme, re.M | re.S)
    named = set(named[1].replace("\\", "").split()) if named else set()
    if named != needs:
        problems.append(f"README and debian/control differ in {', '.join(sorted(named ^ needs))}")


def check_triggers():
    """The module waits for what its engines and its postinst activate."""
    waits = set(re.findall(r"^interest\S* (\S+)", (DEBIAN / "libapache2-mod-cppwebsocket.triggers").read_text(), re.M))
    postinst = (DEBIAN / "libapache2-mod-cppwebsocket.postinst").read_text()
    for path in DEBIAN.glob("libapache2-mod-cppwebsocket-*.triggers"):
        if set(re.findall(r"^activate\S* (\S+)", path.read_text(), re.M)) != waits:
            problems.append(f"debian/{path.name} does not activate {waits}")
    if set(re.findall(r"dpkg-trigger --no-await (\S+)", postinst)) != waits:
        problems.append(f"the module's postinst does not activate {waits}")


def cmake(*arguments, folder):
    return subprocess.run(["cmake", *arguments], env=os.environ | {"DESTDIR": folder}, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def installed_files(folder):
    cmake("--install", str(BUILD), "--prefix", "/usr", folder=folder)
    return [str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if not path.is_dir()]


def packaged(file, pattern):
    """As dh_install has it: a file, or a directory with all that is in it."""
    # The engines' directory is absolute, and in debian/rules another one.
    file = re.sub(r"^.*/lib/cppwebsocket/(cppwebsocket_\w+\.so)$", r"usr/lib/TRIPLET/cppwebsocket/\1", file)
    return fnmatch.fnmatch(file, pattern) or file.startswith(pattern + "/")


def check_files(files):
    packages = re.findall(r"^Package: (\S+)", (DEBIAN / "control").read_text(), re.M)
    patterns = {name: entries(path) for name in packages if (path := DEBIAN / f"{name}.install").exists()}
    for file in files:
        owners = [name for name, each in patterns.items() if any(packaged(file, pattern) for pattern in each)]
        if len(owners) != 1:
            problems.append(f"/{file} is in {' and in '.join(owners) or 'no package'}")
    for name, each in patterns.items():
        problems.extend(f"debian/{name}.install: nothing is installed as {pattern}" for pattern in each
                        if not any(packaged(file, pattern) for file in files))
    for path in sorted(DEBIAN.iterdir()):
        name, _, kind = path.name.partition(".")
        if kind and name not in packages:
            problems.append(f"debian/{path.name} is of no package in debian/control")
        if kind in ("docs", "examples"):
            problems.extend(f"debian/{path.name}: there is no {pattern}" for pattern in entries(path)
                            if not list(PROJECT.glob(pattern)))


def check_scripts():
    for path in sorted([*DEBIAN.glob("*.p*rm"), *DEBIAN.glob("*.p*inst"), *(DEBIAN / "tests").iterdir()]):
        if path.name == "control":
            continue
        done = subprocess.run(["sh", "-n", path], text=True, stderr=subprocess.PIPE)
        if done.returncode:
            problems.append(done.stderr)
        if path.parent == DEBIAN and "\n#DEBHELPER#\n" not in path.read_text():
            problems.append(f"{path.name} has no #DEBHELPER#")
    listed = re.findall(r"^Tests: (.+)", (DEBIAN / "tests/control").read_text(), re.M)
    found = sorted(path.name for path in (DEBIAN / "tests").iterdir() if path.name != "control")
    if sorted(listed) != found:
        problems.append(f"debian/tests/control lists {listed}, and there are {found}")
    # What debian/rules makes of it.
    if len(re.findall("#WebSocketHandlerRoot ", (PROJECT / "conf/cppwebsocket.conf").read_text())) != 1:
        problems.append("conf/cppwebsocket.conf: debian/rules wants one #WebSocketHandlerRoot")


def check_needs(folder):
    """The module needs httpd's process, zlib and the C++ library, as debian/control says."""
    module = next(pathlib.Path(folder).rglob("mod_cppwebsocket.so"))
    needed = re.findall(r"NEEDED.*\[(.+)\]", subprocess.run(["readelf", "-dW", module], check=True, text=True,
                                                            stdout=subprocess.PIPE).stdout)
    others = [name for name in needed
              if not re.match(r"(libz|libapr(util)?-1|lib[cm]|libstdc\+\+|libgcc_s|ld-linux\S*)\.so", name)]
    if others:
        problems.append(f"the module needs {', '.join(others)}")


def check_apxs():
    """httpd's own way: `apxs -i -a` installs the module, which is one object, and writes its LoadModule."""
    def apxs(*arguments):
        return subprocess.run(["apxs", *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.strip()

    with tempfile.TemporaryDirectory() as folder:
        libraries, settings = pathlib.Path(folder, "modules"), pathlib.Path(folder, "conf")
        for path in (libraries, settings / "mods-available"):
            path.mkdir(parents=True)
        # Debian's apxs ends with a2enmod, which the package apache2 has.
        said = apxs("-S", f"LIBEXECDIR={libraries}", "-S", f"SYSCONFDIR={settings}", "-i", "-a", "-n", "cppwebsocket",
                    str(BUILD / "mod_cppwebsocket.so"))
        load = settings / "mods-available/cppwebsocket.load"
        if not load.exists():
            return problems.append(f"apxs -i -a writes no cppwebsocket.load: {said}")
        program = f"{apxs('-q', 'SBINDIR')}/{apxs('-q', 'PROGNAME')}"
        config = settings / "httpd.conf"
        config.write_text(f"ServerRoot {folder}\nServerName localhost\nListen 127.0.0.1:1\nPidFile {folder}/pid\nErrorLog {folder}/log\n"
                          f"LoadModule mpm_event_module {apxs('-q', 'LIBEXECDIR')}/mod_mpm_event.so\n"
                          f"Include {load}\nWebSocketHandlerRoot {folder}\n")
        done = subprocess.run([program, "-t", "-f", config], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            problems.append(f"httpd does not take what apxs -i -a has installed: {done.stdout}")


def check_sbom():
    """What scripts/sbom writes hangs together, and has each object with what it is linked with."""
    document = json.loads(subprocess.run([PROJECT / "scripts/sbom", BUILD], check=True, stdout=subprocess.PIPE).stdout)
    parts = {part["SPDXID"]: part for part in [document, *document["packages"], *document["files"]]}
    relations = [tuple(each.values()) for each in document["relationships"]]
    ends = {end for one, _, other in relations for end in (one, other)}
    if ends != set(parts) or len(set(relations)) != len(relations):
        problems.append(f"scripts/sbom: parts without a relation, or relations without a part: {ends ^ set(parts)}")
    for name, library in {"mod_cppwebsocket.so": "zlib1g", "cppwebsocket_redis.so": "libhiredis", "cppwebsocket_nats.so": "libnats", "cppwebsocket_hooks.so": "libcurl4"}.items():
        linked = [parts[other]["name"] for one, kind, other in relations
                  if kind == "DEPENDS_ON" and parts[one].get("fileName") == f"./{name}"]
        if not any(each.startswith(library) for each in linked):
            problems.append(f"scripts/sbom: {name} is linked with {linked}, and not with {library}")


def check_machines():
    """Big-endian and 32-bit ones are refused at once, with a sentence: as cmake asks clang, which knows them all."""
    for machine in ("s390x-linux-gnu", "i686-linux-gnu"):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["cmake", "-S", PROJECT, "-B", folder, "-DCMAKE_CXX_COMPILER=clang++",
                                   f"-DCMAKE_CXX_COMPILER_TARGET={machine}", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY"],
                                  text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode == 0 or "is for 64-bit little-endian machines" not in done.stdout:
                problems.append(f"cmake for {machine} does not refuse it: {done.stdout}")


def main():
    check_versions()
    check_lists()
    check_triggers()
    check_machines()
    check_apxs()
    check_sbom()
    check_scripts()
    with tempfile.TemporaryDirectory() as folder:
        files = installed_files(folder)
        check_files(files)
        check_needs(folder)
        cmake("--build", str(BUILD), "--target", "uninstall", folder=folder)
        left = [str(path) for path in pathlib.Path(folder).rglob("*") if not path.is_dir() or "cppwebsocket" in path.name]
        if left:
            problems.append(f"the target uninstall leaves {', '.join(left)}")
    for problem in problems:
        print(problem)
    print(f"{len(files)} files are installed; {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
