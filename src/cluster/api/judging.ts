/** The verdict about values, for built-in and custom kinds alike, from the offline validator. */
import type { Cause } from "#manifests/causes"
import type { Structural } from "#manifests/structural"
import { nameCauses, valueJudge } from "#manifests/validation"
import type { JsonObject } from "#cluster/api/json"
import { metadataOf } from "#cluster/api/json"

export const schemaCauses = (schema: Structural): ((object: JsonObject) => ReadonlyArray<Cause>) => {
  const judge = valueJudge(schema)
  return (object) => [...nameCauses(metadataOf(object)), ...judge(object)]
}
