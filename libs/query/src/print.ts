import type { QueryNode, RangeTerm, TextTerm } from './syntax.ts';

/** A query as text: `parseQuery` of it gives the same query, whatever it was written like. */
export function printQuery(query: QueryNode): string {
  switch (query.kind) {
    case 'text':
      return printText(query);
    case 'range':
      return printRange(query);
    case 'not':
      return `-${printPart(query.node)}`;
    case 'and':
      return query.nodes.map(printPart).join(' ');
    case 'or':
      return query.nodes.map((node) => (node.kind === 'and' ? printQuery(node) : printPart(node))).join(' OR ');
  }
}

function printPart(node: QueryNode): string {
  return node.kind === 'and' || node.kind === 'or' ? `(${printQuery(node)})` : printQuery(node);
}

function printText({ words, isPrefix, field }: TextTerm): string {
  const text = words.length === 1 ? words[0] : `"${words.join(' ')}"`;
  return `${field === null ? '' : `${field}:`}${text}${isPrefix ? '*' : ''}`;
}

function printRange({ field, low, high }: RangeTerm): string {
  if (low !== null && high !== null) {
    return low.text === high.text ? `${field}=${low.text}` : `${field}:${low.text}..${high.text}`;
  }
  const [sign, bound] = low === null ? ['<', high] : ['>', low];
  return `${field}${sign}${bound?.inclusive === true ? '=' : ''}${bound?.text ?? ''}`;
}
