import type { ReactNode } from 'react';
import type { MeshProblem } from '../server/mesh-client.ts';

/** A refusal in the mesh's own words, with the fields that it names. */
export function ProblemLine({ problem }: { readonly problem: MeshProblem }): ReactNode {
  return (
    <p className="problem" role="alert">
      <b>{problem.reason || problem.code}</b> {problem.message}
      {problem.fields?.map(({ field, description }) => (
        <span key={field}>
          <code>{field}</code> {description}
        </span>
      ))}
    </p>
  );
}
