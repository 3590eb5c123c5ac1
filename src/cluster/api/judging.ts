/** The verdict about values, for built-in and custom kinds alike, from the offline validator. */
import type { Structural } from "#manifests/structural"
import { nameCauses, valueJudge } from "#manifests/validation"
import { metadataOf } from "#cluster/api/json"
import type { Resource } from "#cluster/api/Resource"

export const schemaCauses = (schema: Structural): Resource["judge"] => {
  const judge = valueJudge(schema)
  return (object, before) => [...nameCauses(metadataOf(object)), ...judge(object, before)]
}
