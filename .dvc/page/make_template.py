"""Make template.html, the page of `dvc plots show`, with Vega included so that it works offline.

    python .dvc/page/make_template.py       # needs npm, and a network

DVC's own page loads Vega 5 from a CDN when it is opened. This one includes the last release of
Vega 5 and its companions, from npm, and the licences of everything in them.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = {  # the version, and the SHA-256 of the script
    "vega": ("5.33.1", "463f3db6a40b20e9747b4ed38f37ed0add508838f9141b1cf8366784b07b30c8"),
    "vega-lite": ("5.23.0", "58c27358e26f2d319cf62f45bc17a4c8362f08645001df2ec8d341eee4097c7f"),
    "vega-embed": ("6.29.0", "12d02acfbe3ec59ef9a37dd4822a2e04e2961b5bbb671bbe661d2221715b99da"),
}
MONOREPO = "vega-canvas"  # its licence is that of all Vega packages, some of which lack the file
TEMPLATE = Path(__file__).with_name("template.html")
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' file: data:;
 style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'">
{refresh_tag}
<title>mnist-mlp: plots</title>
<style>
body { font-family: system-ui, sans-serif; margin: 1.5rem; }
body > div { margin-bottom: 1.5rem; }
p { margin: 0 0 0.5rem; }
img { max-width: 100%; cursor: zoom-in; }
/* The pictures of a file, one for each run; DVC puts its own style on these elements. */
body > div:has(> div > img) {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(500px, 100%), 1fr));
  align-items: start; gap: 0 1rem; border: 0 !important; text-align: left !important;
}
body > div > p { grid-column: 1 / -1; font-weight: bold; }
div:has(> img) { margin: 0 !important; border: 0 !important; }
div:has(> img):only-of-type { grid-column: 1 / -1; }
</style>
<!--
LICENCES
-->
SCRIPTS
</head>
<body>
{plot_divs}
<script>
document.onclick = (event) => event.target.matches("img") && open(event.target.src);
</script>
</body>
</html>
"""


def read_script(modules: Path, name: str, version: str, sha256: str) -> str:
    """Return a script element with a package's script."""
    content = (modules / name / "build" / f"{name}.min.js").read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"{name} {version}: expected a script with SHA-256 {sha256}, found {found}")
    script = content.decode().partition("//# sourceMappingURL=")[0].strip()
    if re.search(r"</script|<!--|{(plot_divs|scripts|refresh_tag)}", script):
        sys.exit(f"{name} {version}: its script cannot be put into DVC's template")
    return f"<script>/* {name} {version} */\n{script}\n</script>"


def read_licences(modules: Path) -> str:
    """Return the licences of the three packages and of all that is bundled in their scripts."""
    bundled = set(PACKAGES)
    for name in PACKAGES:
        sources = json.loads((modules / name / "build" / f"{name}.min.js.map").read_bytes())
        for source in sources["sources"]:
            bundled |= set(re.findall(r"node_modules/((?:@[^/]+/)?[^/]+)/", source))
    texts: dict[str, list[str]] = {}
    for name in sorted(bundled):
        files = [*(modules / name).glob("LICEN*")]
        if not files and name.startswith("vega"):
            files = [modules / MONOREPO / "LICENSE"]
        texts.setdefault(files[0].read_text(encoding="utf-8").strip(), []).append(name)
    return "\n\n".join(f"{', '.join(names)}:\n\n{text}" for text, names in texts.items())


def main() -> None:
    """Write the template."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [f"{name}@{version}" for name, (version, _) in PACKAGES.items()]
        quietly = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(["npm", "install", *quietly, "--prefix", folder, *wanted], check=True)
        modules = Path(folder) / "node_modules"
        scripts = [read_script(modules, name, *pin) for name, pin in PACKAGES.items()]
        page = PAGE.replace("LICENCES", read_licences(modules))
    TEMPLATE.write_text(page.replace("SCRIPTS", "\n".join(scripts)), encoding="utf-8")


if __name__ == "__main__":
    main()
