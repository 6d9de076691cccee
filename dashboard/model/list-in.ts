/** The list of an answer, under whatever name it has there, or the answer itself. */
export const listIn = <T>(body: object | undefined): readonly T[] => {
  if (body === undefined) return [];
  if (Array.isArray(body)) return body;
  const found: unknown = Object.values(body).find((value) => Array.isArray(value));
  return Array.isArray(found) ? found : [];
};
