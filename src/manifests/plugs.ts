/** Fills the holes of the kinds' schemas from the registries of sources and engines. */
import type * as Schema from "effect/Schema"
import type { Hole } from "#schemas/crd/Crd/plugs"
import { ENGINES } from "#engines/index"
import { SOURCES } from "#sources/index"
import type { FillHole } from "#manifests/structural"

interface Plug {
  readonly options: Schema.Constraint
}
type Registry = Readonly<Record<string, Plug>>

/** Each hole takes what its kind says of a registry; a plug that does not exist fills nothing. */
export const fillFrom =
  (registries: Readonly<Record<Hole["registry"], Registry>>): FillHole =>
  (hole) => {
    const registry = registries[hole.registry]
    const wanted: ReadonlyArray<readonly [string, string]> =
      hole.optionsOf !== undefined
        ? [[hole.optionsOf, hole.optionsOf]]
        : hole.names !== undefined
          ? Object.entries(hole.names)
          : Object.keys(registry).map((name) => [name, name])
    return wanted.flatMap(([name, plug]) => {
      const found = registry[plug]
      return found === undefined ? [] : [[name, found.options] as const]
    })
  }

export const fillHole: FillHole = fillFrom({ sources: SOURCES, engines: ENGINES })
