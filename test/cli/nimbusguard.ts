// The command line as a person starts it: a process of its own, its output and its exit code.
import { spawnSync } from "node:child_process"

const root = new URL("../..", import.meta.url).pathname

export const nimbusguard = (args: ReadonlyArray<string>, input = "") => {
  const { status, stderr, stdout } = spawnSync(process.execPath, ["src/main.ts", ...args], {
    cwd: root,
    // Reading the sources takes longer than most of what they are asked for here.
    env: { ...process.env, NODE_COMPILE_CACHE: `${root}.cache/compile` },
    encoding: "utf8",
    input,
    timeout: 25_000
  })
  return { code: status, stdout, stderr }
}
