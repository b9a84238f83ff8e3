/** Which parts a type has, by its kind: what packing and unpacking agree on. */
import {
  BTF_KIND_ARRAY,
  BTF_KIND_CONST,
  BTF_KIND_DATASEC,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FLOAT,
  BTF_KIND_FUNC,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_INT,
  BTF_KIND_PTR,
  BTF_KIND_RESTRICT,
  BTF_KIND_STRUCT,
  BTF_KIND_UNION,
  BTF_KIND_VOLATILE,
} from '../../uapi/generated/constants.ts';

/** Members, values, parameters, or the linkage of a function. */
export function hasCount(kind: number): boolean {
  return (
    kind === BTF_KIND_STRUCT ||
    kind === BTF_KIND_UNION ||
    kind === BTF_KIND_ENUM ||
    kind === BTF_KIND_ENUM64 ||
    kind === BTF_KIND_FUNC_PROTO ||
    kind === BTF_KIND_DATASEC ||
    kind === BTF_KIND_FUNC
  );
}

/** Whether its third word is a size. */
export function hasSize(kind: number): boolean {
  return (
    kind === BTF_KIND_INT ||
    kind === BTF_KIND_STRUCT ||
    kind === BTF_KIND_UNION ||
    kind === BTF_KIND_ENUM ||
    kind === BTF_KIND_ENUM64 ||
    kind === BTF_KIND_FLOAT ||
    kind === BTF_KIND_DATASEC
  );
}

/** Whether it may have a name. */
export function isNamed(kind: number): boolean {
  return (
    kind !== BTF_KIND_PTR &&
    kind !== BTF_KIND_ARRAY &&
    kind !== BTF_KIND_VOLATILE &&
    kind !== BTF_KIND_CONST &&
    kind !== BTF_KIND_RESTRICT &&
    kind !== BTF_KIND_FUNC_PROTO
  );
}
