/** A policy sent through a load to learn from it, before it has ever seen a cluster. */
import type { Memory } from "#schemas/Memory"
import type { Load } from "#workload/Load"
import type { PolicyFile } from "./policyFile.ts"
import { policyRival } from "./policyRival.ts"
import { run } from "./run.ts"

/** What each engine remembers at the end. */
export const learnOn = (load: Load, file: PolicyFile): Memory["engines"] => {
  let engines: Memory["engines"] = {}
  const noting = policyRival(file, (memory) => void (engines = memory.engines))
  run(load, noting)
  return engines
}
