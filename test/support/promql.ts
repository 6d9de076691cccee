/** What a PromQL expression refers to; enough of its grammar to know that, not to evaluate it. */
export interface PromqlUse {
  /** Metrics, with the labels that their selectors name. */
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[];
  /** Labels in `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`. */
  readonly grouping: readonly string[];
}

const TOKEN =
  /\s+|(?<word>[a-zA-Z_:][\w:]*)|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<range>\[[^\]]*\])|(?<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:ms|[smhdwy])?)|(?<sign>[=!]~|[=!<>]=|[-+*/%^<>={}(),])/gy;

const GROUPING: ReadonlySet<string> = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless', 'offset', 'bool', 'atan2', 'inf', 'nan']);

/** An expression that is not made of PromQL's words and signs, or whose brackets do not match, is an error. */
export const promqlUse = (expression: string): PromqlUse => {
  const tokens = tokensOf(expression);
  const metrics: { name: string; labels: string[] }[] = [];
  const grouping: string[] = [];
  let depth = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (depth < 0 || token === '{' || token === '}') throw new Error(`brackets do not match: ${expression}`);
    if (!/^[a-zA-Z_:]/.test(token) || OPERATORS.has(token.toLowerCase())) continue;
    if (GROUPING.has(token)) {
      if (tokens[at + 1] !== '(') continue;
      const end = tokens.indexOf(')', at);
      grouping.push(...tokens.slice(at + 2, end).filter((one) => one !== ','));
      at = end;
    } else if (tokens[at + 1] === '{') {
      const end = tokens.indexOf('}', at);
      if (end < 0) throw new Error(`a selector without end: ${expression}`);
      metrics.push({ name: token, labels: selectorLabels(tokens.slice(at + 2, end), expression) });
      at = end;
    } else if (tokens[at + 1] !== '(' && !isAggregation(tokens, at)) {
      metrics.push({ name: token, labels: [] });
    }
  }
  if (depth !== 0) throw new Error(`brackets do not match: ${expression}`);
  return { metrics, grouping };
};

/** `sum by (x) (...)`: a function, though no bracket follows at once. */
const isAggregation = (tokens: readonly string[], at: number): boolean =>
  tokens[at + 1] === 'by' || tokens[at + 1] === 'without';

const tokensOf = (expression: string): string[] => {
  const tokens: string[] = [];
  let end = 0;
  for (const match of expression.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    if (match[0].trim() !== '') tokens.push(match[0]);
  }
  if (end !== expression.length) throw new Error(`not PromQL from here on: ${expression.slice(end)}`);
  return tokens;
};

const selectorLabels = (tokens: readonly string[], expression: string): string[] => {
  const labels: string[] = [];
  for (let at = 0; at < tokens.length; at += 4) {
    const [label = '', operator = '', value = '', comma = ','] = tokens.slice(at, at + 4);
    if (!/^(=|!=|=~|!~)$/.test(operator) || !/^["']/.test(value) || comma !== ',') {
      throw new Error(`a selector that is none: ${expression}`);
    }
    labels.push(label);
  }
  return labels;
};
