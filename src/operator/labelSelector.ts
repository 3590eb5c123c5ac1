/** Label selectors in both forms of the API, as one predicate over labels. Pure. */
import type { LabelSelector } from "#schemas/kubernetes/Meta"

export type Labels = Readonly<Record<string, string>>
export type LabelPredicate = (labels: Labels) => boolean

type Requirement = {
  readonly key: string
  readonly operator: string
  readonly values?: ReadonlyArray<string> | undefined
}

/** What is not understood matches nothing: a floor or a sample too few is better than somebody else's pods. */
const holds = ({ key, operator, values = [] }: Requirement, labels: Labels): boolean => {
  const value = labels[key]
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value)
    case "NotIn":
      return value === undefined || !values.includes(value)
    case "Exists":
      return value !== undefined
    case "DoesNotExist":
      return value === undefined
    default:
      return false
  }
}

/** The structured form. Absent selects nothing, empty selects everything. */
export const matchesSelector = (selector: LabelSelector | null | undefined): LabelPredicate => {
  if (selector === undefined || selector === null) return () => false
  const exact = Object.entries(selector.matchLabels ?? {})
  const expressions = selector.matchExpressions ?? []
  return (labels) =>
    exact.every(([key, value]) => labels[key] === value) && expressions.every((one) => holds(one, labels))
}

/** All of these labels, with these values. */
export const matchesLabels = (wanted: Labels): LabelPredicate => matchesSelector({ matchLabels: wanted })

const SET = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/u
const EQUALITY = /^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$/u
const PRESENCE = /^(!?)\s*(\S+)$/u

const requirementOf = (term: string): Requirement | undefined => {
  const set = SET.exec(term)
  if (set !== null) {
    const [, key = "", operator, values = ""] = set
    return { key, operator: operator === "in" ? "In" : "NotIn", values: values.split(",").map((one) => one.trim()) }
  }
  const equality = EQUALITY.exec(term)
  if (equality !== null) {
    const [, key = "", operator, value = ""] = equality
    return { key, operator: operator === "!=" ? "NotIn" : "In", values: [value] }
  }
  const [, not, key] = PRESENCE.exec(term) ?? []
  return key === undefined ? undefined : { key, operator: not === "!" ? "DoesNotExist" : "Exists" }
}

/** The text form, as /scale shows it: `app=web,tier in (a,b),!canary`. Empty text is no selector and selects nothing. */
export const matchesText = (text: string): LabelPredicate => {
  const terms = text
    .split(/,(?![^(]*\))/u)
    .map((term) => term.trim())
    .filter((term) => term !== "")
  const requirements = terms.map(requirementOf)
  if (requirements.length === 0) return () => false
  return (labels) => requirements.every((one) => one !== undefined && holds(one, labels))
}
