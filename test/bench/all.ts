/**
 * `npm run bench`: runs every *.bench.ts beside it, each in a process of its own, one after the other, so that none
 * measures what another left behind. Names given as arguments choose among them.
 */
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { join } from "node:path"

const chosen = process.argv.slice(2)
const names = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".bench.ts"))
  .map((name) => name.replace(".bench.ts", ""))
  .filter((name) => chosen.length === 0 || chosen.includes(name))
  .toSorted()

if (names.length === 0) {
  console.error(`No benchmark is called ${chosen.join(" or ")}`)
  process.exitCode = 1
}
for (const name of names) {
  console.log(`\n${name}`)
  const { status } = spawnSync(process.execPath, ["--expose-gc", join(import.meta.dirname, `${name}.bench.ts`)], {
    stdio: "inherit"
  })
  if (status !== 0) process.exitCode = 1
}
