/** The same object with everything in it frozen, octets excepted: who writes to it throws. */
export const frozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  if (value instanceof Map || value instanceof Set) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Sessions change while they live.
  if (prototype !== Object.prototype && prototype !== Array.prototype) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
};
