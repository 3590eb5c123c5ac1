/** `nimbusguard manifests`: prints, writes or checks the manifests that are made from the schemas. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { GENERATED_FOLDERS, generatedFiles, installFile } from "#manifests/files"
import type { GeneratedFile } from "#manifests/files"
import { fromYaml, GENERATED_BY } from "#manifests/yaml"
import { VERSION } from "#services/version"

/** The findings are told; the shell only has to know that there are some. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

const resourcesOf = (kustomization: string): ReadonlyArray<string> =>
  fromYaml(kustomization).flatMap(({ value }) => {
    const resources = typeof value === "object" && value !== null && "resources" in value ? value.resources : []
    return Array.isArray(resources) ? resources.filter((each) => typeof each === "string") : []
  })

/** Everything that belongs into a folder of manifests, with install.yaml where there is a base to make it of. */
const filesOf = Effect.fn("manifests.files")(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const generated = generatedFiles(VERSION)
  const base = path.join(folder, "base")
  const kustomization = path.join(base, "kustomization.yaml")
  if (!(yield* fs.exists(kustomization))) return generated
  const resources = resourcesOf(yield* fs.readFileString(kustomization))
  const own = yield* Effect.forEach(
    resources.filter((resource) => !resource.startsWith("../")),
    (resource) => Effect.map(fs.readFileString(path.join(base, resource)), (text) => [resource, text] as const)
  )
  const texts = new Map(own)
  return [...generated, installFile(resources, (resource) => texts.get(resource) ?? "", generated)]
})

/** Files that were generated once and are no longer. */
const leftovers = Effect.fn("manifests.leftovers")(function* (folder: string, files: ReadonlyArray<GeneratedFile>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const known = new Set(files.map((file) => file.path))
  const found = yield* Effect.forEach(GENERATED_FOLDERS, (name) =>
    fs.readDirectory(path.join(folder, name)).pipe(
      Effect.map((entries) => entries.map((entry) => `${name}/${entry}`)),
      Effect.orElseSucceed(() => [])
    )
  )
  return yield* Effect.filter(
    found.flat().filter((entry) => !known.has(entry)),
    (entry) => Effect.map(fs.readFileString(path.join(folder, entry)), (text) => text.startsWith(GENERATED_BY))
  )
})

const write = Effect.fn("manifests.write")(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const files = yield* filesOf(folder)
  for (const file of files) {
    const target = path.join(folder, file.path)
    yield* fs.makeDirectory(path.dirname(target), { recursive: true })
    yield* fs.writeFileString(target, file.text)
  }
  for (const entry of yield* leftovers(folder, files)) yield* fs.remove(path.join(folder, entry))
  yield* Console.log(`Wrote ${files.length} files to ${folder}.`)
})

const check = Effect.fn("manifests.check")(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const files = yield* filesOf(folder)
  const stale = yield* Effect.filter(files, (file) =>
    fs.readFileString(path.join(folder, file.path)).pipe(
      Effect.map((text) => text !== file.text),
      Effect.orElseSucceed(() => true)
    )
  )
  const wrong = [...stale.map((file) => file.path), ...(yield* leftovers(folder, files))].toSorted()
  if (wrong.length === 0) return yield* Console.log(`${files.length} files in ${folder} are up to date.`)
  const list = wrong.map((each) => `  ${path.join(folder, each)}`).join("\n")
  yield* Console.error(`Not what the schemas say, run \`nimbusguard manifests --write ${folder}\`:\n${list}`)
  return yield* new Unsatisfied()
})

export const manifestsCommand = Command.make(
  "manifests",
  {
    write: Flag.String("write").pipe(
      Flag.withDescription("Folder to write crd/, rbac/ and, where it holds base/, install.yaml to."),
      Flag.optional
    ),
    check: Flag.String("check").pipe(
      Flag.withDescription("Folder to compare with; names the files that are stale. Exit code 1 when any is."),
      Flag.optional
    )
  },
  Effect.fn("manifests")(function* (flags) {
    if (Option.isSome(flags.write)) yield* write(flags.write.value)
    if (Option.isSome(flags.check)) yield* check(flags.check.value)
    if (Option.isSome(flags.write) || Option.isSome(flags.check)) return
    const objects = generatedFiles(VERSION).filter(({ path }) => !path.endsWith("/kustomization.yaml"))
    yield* Console.log(objects.map(({ text }) => text.trimEnd()).join("\n---\n"))
  })
).pipe(
  Command.withDescription(
    "Prints the CustomResourceDefinitions and the RBAC that the operator needs, or writes them to a folder, or checks the ones that are there."
  )
)
