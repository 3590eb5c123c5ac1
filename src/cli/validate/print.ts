/** Inspections for people and for programs. */
import type { Inspection } from "./inspect.ts"

const BY = { file: "cannot be read", apiserver: "refused by the API server", operator: "accepted, but Ready=False" }

const title = (inspection: Inspection): string => {
  const { file, kind, line, name, namespace, verdict } = inspection
  const what = kind === "" ? "" : `${kind} ${namespace}/${name}: `
  const said =
    verdict === "refused"
      ? BY[inspection.by ?? "file"]
      : verdict === "skipped"
        ? "not a kind of nimbusguard, not looked at"
        : "accepted"
  // Line 0 is of a file that nobody could look into.
  return `${file}${line === 0 ? "" : `:${line}`}: ${what}${said}`
}

const lines = (inspection: Inspection): ReadonlyArray<string> => [
  title(inspection),
  ...inspection.problems.map(({ message, path }) => `  ${path === "" ? "" : `${path}: `}${message}`),
  ...inspection.findings.map(({ message, path, reason }) => `  note ${reason} ${path}: ${message}`)
]

export const isRefused = ({ verdict }: Inspection): boolean => verdict === "refused"

export const toText = (inspections: ReadonlyArray<Inspection>): string => {
  const ours = inspections.filter(({ verdict }) => verdict !== "skipped")
  const bad = ours.filter(isRefused).length
  const summary =
    ours.length === 0
      ? "No object of nimbusguard's kinds."
      : bad === 0
        ? `${ours.length} of ${ours.length} accepted.`
        : `${bad} of ${ours.length} refused.`
  return [...inspections.flatMap(lines), summary].join("\n")
}

export const toJson = (inspections: ReadonlyArray<Inspection>): string =>
  JSON.stringify({ ok: !inspections.some(isRefused), objects: inspections }, undefined, 2)
