/** All cases. */
import type { Case } from "#test/conformance/Api"
import { applies } from "#test/conformance/apply"
import { discovery } from "#test/conformance/discovery"
import { kinds } from "#test/conformance/kinds"
import { lists } from "#test/conformance/lists"
import { objects } from "#test/conformance/objects"
import { patches } from "#test/conformance/patches"
import { validation } from "#test/conformance/validation"
import { watches } from "#test/conformance/watches"

export const CASES: Readonly<Record<string, ReadonlyArray<Case>>> = {
  discovery,
  objects,
  kinds,
  lists,
  watches,
  patches,
  validation,
  apply: applies
}
