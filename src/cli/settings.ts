/** The settings as flags of a verb, and their values from flags, environment and files. Shared by the verbs. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { loadSettings } from "#services/loadSettings"
import { processGiven } from "#services/processGiven"
import { boolean } from "#services/settingReaders"
import { type Setting, SETTINGS } from "#services/Settings"

const entries: ReadonlyArray<Setting<unknown>> = Object.values<Setting<unknown>>(SETTINGS)

const flagOf = (entry: Setting<unknown>, name: string): Flag.Flag<Option.Option<string>> => {
  const description = `${entry.description.replaceAll("`", "")} (${entry.variable}; default: ${entry.absent})`
  return entry.read === boolean
    ? Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.map(String), Flag.optional)
    : Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)
}

/** One flag per setting that has one, by its variable. */
export const settingFlags: Readonly<Record<string, Flag.Flag<Option.Option<string>>>> = Object.fromEntries(
  entries.flatMap((entry) => (entry.flag === undefined ? [] : [[entry.variable, flagOf(entry, entry.flag)]]))
)

export const settingsFrom = Effect.fnUntraced(function* (flags: Readonly<Record<string, Option.Option<string>>>) {
  const given = Object.entries(flags).flatMap(([variable, value]) =>
    Option.isSome(value) ? [[variable, value.value] as const] : []
  )
  return yield* loadSettings(yield* processGiven(Object.fromEntries(given)))
})
