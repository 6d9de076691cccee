/** The header in which a client says who it is. */
export const ACTOR_HEADER = 'x-admin-actor';
/** The header that names the worker processes whose part an answer lacks: "1, 3". Its JSON has them in `missing`. */
export const MISSING_HEADER = 'x-missing-workers';
