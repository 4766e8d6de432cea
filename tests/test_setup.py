"""Set-up: the pins are complete, what is missing is named, and a machine that has everything is left alone."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import struct
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from silentmirror.options import DEMO_IMAGE, ROOT


def load(name: str) -> ModuleType:
    """A script of scripts/ as a module."""
    spec = importlib.util.spec_from_file_location(f"scripts_{name}", ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def read_pins(file: str) -> dict[str, str]:
    """A requirements file: name -> version."""
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            found[canonicalize_name(name)] = version
    return found


def pins() -> dict[str, str]:
    """requirements.txt: name -> version."""
    found = read_pins("requirements.txt")
    assert len(found) > 20
    return found


class TestPins:
    """requirements.txt against pyproject.toml and against what is installed."""

    def test_direct_packages_are_pinned_within_their_bounds(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        direct = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["dev"]]
        direct += project["build-system"]["requires"]
        assert len(direct) > 10
        pinned = pins()
        for text in direct:
            requirement = Requirement(text)
            assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, text

    def test_packages_of_the_plot_are_pinned_apart(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        pinned = read_pins("requirements-plot.txt")
        (requirement,) = map(Requirement, project["project"]["optional-dependencies"]["plot"])
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier
        assert not set(pinned) & set(pins())

    def test_installed_packages_are_the_pinned_ones(self) -> None:
        assert {name: importlib.metadata.version(name) for name in pins()} == pins()

    def test_no_package_needs_one_that_is_not_pinned(self) -> None:
        pinned = pins()
        missing, seen = [], 0
        for name in pinned:
            for text in importlib.metadata.requires(name) or []:
                requirement = Requirement(text)
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    seen += 1
                    version = pinned.get(canonicalize_name(requirement.name))
                    if version is None or version not in requirement.specifier:
                        missing.append(f"{name} needs {text}")
        assert seen > 10
        assert missing == []


def fake(folder: Path, name: str, script: str) -> Path:
    """An executable shell script on the fake PATH."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/setup.py for a project in a folder of its own and a PATH that holds nothing yet (`bin`)."""
    setup = load("setup")
    root = tmp_path / "project"
    for name in ("requirements.txt", "requirements-plot.txt", "pyproject.toml", "scripts/setup.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text((ROOT / name).read_text())
    (root / "build").mkdir()
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(setup, "ROOT", root)
    monkeypatch.setattr(setup, "VENV", root / ".venv")
    monkeypatch.setattr(setup, "VENV_PYTHON", root / ".venv" / "bin" / "python")
    monkeypatch.setattr(setup, "STAMP", root / ".venv" / "silentmirror-stamp.json")
    monkeypatch.setattr(setup, "LOG", root / "build" / "setup.log")
    monkeypatch.setattr(sys, "argv", ["setup.py", "--need=icarus"])
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return setup


def ready(setup: ModuleType) -> None:
    """Makes the project look set up with this Python."""
    setup.VENV_PYTHON.parent.mkdir(parents=True)
    fake(setup.VENV_PYTHON.parent, "python", f'exec {sys.executable} "$@"')
    setup.STAMP.write_text(setup.json.dumps(setup.fingerprint()))


class TestSystemPackages:
    """What is installed, and what is said when it may not be."""

    def test_without_root_one_message_has_the_command(
        self, machine: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ready(machine)
        fake(tmp_path / "bin", "apt-get", "exit 9")
        fake(tmp_path / "bin", "sudo", "exit 1")
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert machine.main() == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines() == [
            "set-up: missing: iverilog; type this, then run make again:",
            "  sudo apt-get update && sudo apt-get install -y --no-install-recommends iverilog",
        ]

    def test_without_apt_the_packages_are_named(self, machine: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
        ready(machine)
        assert machine.main() == 1
        assert capsys.readouterr().err.startswith("set-up: missing: iverilog (")

    @pytest.mark.parametrize("root", [True, False])
    def test_what_is_missing_is_installed(
        self, machine: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool
    ) -> None:
        ready(machine)
        binaries = tmp_path / "bin"
        calls = tmp_path / "calls"
        installs = f"echo \"$@\" >> {calls}; printf '#!/bin/sh\\n' > {binaries}/iverilog"
        made = f"/bin/cp {binaries}/iverilog {binaries}/vvp; /bin/chmod +x {binaries}/iverilog {binaries}/vvp"
        fake(binaries, "apt-get", f"{installs}; {made}")
        fake(binaries, "sudo", 'shift; exec "$@"')
        fake(binaries, "true", "exit 0")
        fake(binaries, "env", 'shift; exec "$@"')
        monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
        assert machine.main() == 0
        assert calls.read_text().splitlines() == ["update", "install -y --no-install-recommends iverilog"]

    def test_an_installation_that_fails_is_told_with_its_reason(
        self, machine: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ready(machine)
        fake(tmp_path / "bin", "apt-get", "echo 'E: Unable to locate package iverilog'; echo; exit 100")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert machine.main() == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "could not install iverilog: E: Unable to locate package iverilog" in line
        assert "build/setup.log" in line

    def test_only_verilator_asks_for_a_compiler(self, machine: ModuleType, tmp_path: Path) -> None:
        assert machine.missing_tools([]) == []
        assert machine.missing_tools(["icarus", "gtkwave"]) == ["iverilog", "gtkwave"]
        assert machine.missing_tools(["verilator"]) == ["g++", "zlib1g-dev", "liblz4-dev", "perl"]
        for name in ("g++", "perl", "iverilog", "vvp"):
            fake(tmp_path / "bin", name, "exit 0")
        assert machine.missing_tools(["icarus", "verilator"]) == []


class TestPython:
    """Which interpreter is taken, and what is said when none will do."""

    @staticmethod
    def answer(version: tuple[int, int], shared: bool, venv: bool, prefix: str) -> str:
        """A fake interpreter's answer to the probe."""
        flags = f'"shared": {str(shared).lower()}, "venv": {str(venv).lower()}'
        return f'echo \'{{"version": [{version[0]}, {version[1]}], {flags}, "prefix": "{prefix}"}}\''

    def test_the_probe_knows_this_python(self, machine: ModuleType, tmp_path: Path) -> None:
        (tmp_path / "bin" / "python3").symlink_to(sys.executable)
        found = machine.probe("python3")
        assert found.version == sys.version_info[:2]
        assert found.shared, "cocotb runs under this Python, so it has a shared library"

    def test_a_complete_one_is_preferred(self, machine: ModuleType, tmp_path: Path) -> None:
        fake(tmp_path / "bin", "python3", self.answer((3, 10), True, True, "/usr"))
        fake(tmp_path / "bin", "python3.13", "exit 127")
        fake(tmp_path / "bin", "python3.12", self.answer((3, 12), False, True, "/opt/own"))
        fake(tmp_path / "bin", "python3.11", self.answer((3, 11), True, True, "/usr"))
        assert [found.version for found in machine.interpreters()] == [(3, 11)]

    def test_packages_complete_the_systems_one(self, machine: ModuleType, tmp_path: Path) -> None:
        fake(tmp_path / "bin", "apt-get", "exit 0")
        fake(tmp_path / "bin", "python3.13", self.answer((3, 13), False, True, "/opt/own"))
        fake(tmp_path / "bin", "python3", self.answer((3, 12), False, False, "/usr"))
        (found,) = machine.interpreters()
        assert found.missing == ["python3.12-venv", "libpython3.12"]

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (answer((3, 12), False, True, "/opt/own"), "lacks its shared library (build it with --enable-shared)"),
            (answer((3, 14), True, True, "/usr"), "none found"),
        ],
    )
    def test_without_any_the_reason_is_told(
        self, machine: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str, reason: str
    ) -> None:
        fake(tmp_path / "bin", "python3", answer)
        assert machine.main() == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("set-up: no complete Python 3.11, 3.12 or 3.13 on PATH")
        assert reason in line

    def test_the_launcher_says_which_python_it_needs(self, tmp_path: Path) -> None:
        fake(tmp_path, "python3", "echo 'Python 3.9.2'; exit 1")
        done = subprocess.run(
            ["/bin/sh", ROOT / "scripts" / "python.sh", "-V"],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "3.11, 3.12 or 3.13" in done.stderr
        assert "Python 3.9.2" in done.stderr


class TestEnvironment:
    """The virtual environment is made once and brought up to date when its sources change."""

    @pytest.fixture
    def steps(self, machine: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What set-up runs, in place of running it; all tools are there."""
        done: list[str] = []
        for name in ("iverilog", "vvp"):
            fake(tmp_path / "bin", name, "exit 0")

        def note(command: list[str], **_: str) -> bool:
            done.append(" ".join(command[-2:]))
            return True

        monkeypatch.setattr(machine, "log_and_run", note)
        return done

    def test_nothing_is_run_when_all_is_there(self, machine: ModuleType, steps: list[str]) -> None:
        ready(machine)
        assert machine.main() == 0
        assert steps == []

    def test_a_changed_pin_is_installed_once(self, machine: ModuleType, steps: list[str]) -> None:
        ready(machine)
        (machine.ROOT / "requirements.txt").write_text("pytest==9.2.0\n")
        assert machine.main() == 0
        assert steps == [f"-r {machine.ROOT}/requirements.txt", f"-e {machine.ROOT}"]
        assert machine.main() == 0
        assert len(steps) == 2

    def test_what_plots_need_is_installed_for_plots_only(
        self, machine: ModuleType, steps: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready(machine)
        (machine.ROOT / "requirements-plot.txt").write_text("# the plot\nno-such-package-anywhere==1.0\n")
        assert machine.main() == 0
        assert steps == []
        monkeypatch.setattr(sys, "argv", ["setup.py", "--need=icarus", "--need=plot"])
        assert machine.main() == 0
        assert steps == [f"-r {machine.ROOT}/requirements-plot.txt"]
        (machine.ROOT / "requirements-plot.txt").write_text(f"pytest=={importlib.metadata.version('pytest')}\n")
        assert machine.main() == 0
        assert len(steps) == 1

    def test_a_moved_project_gets_a_new_one(
        self, machine: ModuleType, steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready(machine)
        machine.STAMP.write_text(machine.json.dumps({**machine.fingerprint(), "root": "/elsewhere"}))
        fake(tmp_path / "bin", "python3", TestPython.answer((3, 11), True, True, "/usr"))
        monkeypatch.setattr(machine, "loads_python", lambda: True)
        assert machine.main() == 0
        assert steps[0] == f"--clear {machine.VENV}"
        assert len(steps) == 3

    def test_without_a_network_one_line_says_so(
        self, machine: ModuleType, steps: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ready(machine)
        machine.STAMP.unlink()

        def fail(command: list[str], **_: str) -> bool:
            steps.append(command[0])
            machine.LOG.write_text("WARNING: Retrying\nERROR: No matching distribution found for cocotb==2.1.0\n")
            return False

        monkeypatch.setattr(machine, "log_and_run", fail)
        assert machine.main() == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "is there a network?" in line
        assert "No matching distribution found for cocotb==2.1.0" in line
        assert len(steps) == 1
        assert not machine.STAMP.exists()


class TestDemoImage:
    """share/demo.img is what its generator writes: a FAT12 file system of 16 sectors with readable files."""

    def test_the_generator_writes_it(self, tmp_path: Path) -> None:
        made = tmp_path / "made.img"
        subprocess.run([sys.executable, ROOT / "scripts" / "make_demo_image.py", made], check=True)
        assert made.read_bytes() == DEMO_IMAGE.read_bytes()

    def test_its_files_can_be_read(self) -> None:
        files = read_fat12(DEMO_IMAGE.read_bytes())
        assert sorted(files) == ["FIGURE3/ORDER.TXT", "GROUP.TXT", "PATTERN.BIN", "README.TXT"]
        assert b"leader" in files["README.TXT"]
        assert files["GROUP.TXT"].count(b"\r\n") == 4
        assert files["FIGURE3/ORDER.TXT"].startswith(b"302 select")
        assert len(files["PATTERN.BIN"]) == 3484
        assert len(set(files["PATTERN.BIN"])) == 256

    def test_a_block_at_the_wrong_place_would_show(self) -> None:
        image = DEMO_IMAGE.read_bytes()
        sectors = [image[at : at + 512] for at in range(0, len(image), 512)]
        assert len(sectors) == 16
        assert sectors[1] == sectors[2], "the two FATs"
        assert len(set(sectors)) == 15


def read_fat12(image: bytes) -> dict[str, bytes]:
    """The files of a FAT12 image by path, read by the file system's own description of itself."""
    sector, per_cluster, reserved, fats, entries, total, _, fat_sectors = struct.unpack_from("<HBHBHHBH", image, 11)
    assert image[510:512] == b"\x55\xaa"
    assert total * sector == len(image) == 8192
    table = image[reserved * sector : (reserved + fat_sectors) * sector]
    root_at = (reserved + fats * fat_sectors) * sector
    data_at = root_at + entries * 32

    def chain(cluster: int) -> bytes:
        content = b""
        while cluster < 0xFF8:
            at = data_at + (cluster - 2) * per_cluster * sector
            content += image[at : at + per_cluster * sector]
            pair = int.from_bytes(table[cluster * 3 // 2 : cluster * 3 // 2 + 2], "little")
            cluster = pair >> 4 if cluster % 2 else pair & 0xFFF
        return content

    def listing(folder: bytes, path: str) -> dict[str, bytes]:
        found = {}
        for at in range(0, len(folder), 32):
            name, suffix, attribute = struct.unpack_from("<8s3sB", folder, at)
            cluster, size = struct.unpack_from("<HI", folder, at + 26)
            if name[0] == 0 or attribute & 0x08 or name.startswith(b"."):
                continue
            label = path + ".".join(part for part in (name.decode().rstrip(), suffix.decode().rstrip()) if part)
            if attribute & 0x10:
                found.update(listing(chain(cluster), f"{label}/"))
            else:
                found[label] = chain(cluster)[:size]
        return found

    return listing(image[root_at:data_at], "")
