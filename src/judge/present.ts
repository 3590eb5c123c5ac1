/** How a comparison reaches its reader: text or JSON on standard output, and a page where one is asked for. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stdio from "effect/Stdio"
import { type Comparison, toJson } from "./comparison.ts"
import { toText } from "./comparisonText.ts"
import { comparisonPage } from "./report/comparisonPage.ts"

export interface Presentation {
  /** Absent: text on a terminal, else JSON. */
  readonly output: "text" | "json" | undefined
  /** File for the page. */
  readonly report: string | undefined
  /** What to copy, in YAML: in the report and the JSON, and where it is the point of it all in the text, too. */
  readonly policy?: { readonly title: string; readonly yaml: string; readonly isPoint?: boolean }
}

export const present = Effect.fn("present")(function* (
  comparison: Comparison,
  { output, policy, report }: Presentation
) {
  const isTerminal = yield* (yield* Stdio.Stdio).stdoutIsTerminal
  const isText = (output ?? (isTerminal ? "text" : "json")) === "text"
  const copied = policy?.isPoint !== true ? "" : `\n\n${policy.title}:\n\n${policy.yaml}`
  yield* Console.log(isText ? `${toText(comparison)}${copied}` : toJson(comparison, policy?.yaml))
  if (report === undefined) return
  yield* (yield* FileSystem.FileSystem).writeFileString(report, comparisonPage(comparison, policy))
  yield* Console.error(`The report is in ${report}: open it in a browser.`)
})
