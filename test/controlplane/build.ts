// `node test/controlplane/build.ts`: finds or makes the servers of the integration tests and says where each one is.
// On a person's machine it compiles only with COMPILE=1; in CI always. Ends with 1 when something is missing.
import { allPrograms, findProgram, makePrograms, mayCompile, remedyFor, versionLine } from "./Binaries.ts"

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

try {
  if (mayCompile()) await makePrograms(allPrograms, print)
  for (const program of allPrograms) {
    const path = findProgram(program)
    if (path === undefined) {
      print(remedyFor(program))
      process.exitCode = 1
    } else {
      print(`${program.padEnd(24)} ${(await versionLine(program, path)).padEnd(40)} ${path}`)
    }
  }
} catch (error) {
  print(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
