import type { Role } from './roles.ts';

/** What a call costs is counted in classes: one caller's searches must not use up its publishing. */
export const callClasses = ['read', 'publish', 'search', 'lookup', 'admin'] as const;
export type CallClass = (typeof callClasses)[number];

export interface MethodRule {
  /** The least role that may call the method. */
  readonly role: Role;
  readonly class: CallClass;
}

/**
 * Who may call what: every method that a peer serves, by its full path. What is not here is refused to everybody. A test
 * compares it with the methods that are served, and docs/security/authorisation.md is generated from it.
 *
 * A viewer sees the mesh and nothing that programs say to each other; a client speaks and listens; a responder answers what
 * is asked; an operator changes what runs.
 */
export const methodPolicy: Readonly<Record<string, MethodRule>> = {
  '/starling.v1.MeshService/Publish': { role: 'client', class: 'publish' },
  '/starling.v1.MeshService/PublishStream': { role: 'client', class: 'publish' },
  '/starling.v1.MeshService/Subscribe': { role: 'client', class: 'read' },
  '/starling.v1.SearchService/PutDocuments': { role: 'client', class: 'publish' },
  '/starling.v1.SearchService/PutDocumentsStream': { role: 'client', class: 'publish' },
  '/starling.v1.SearchService/DeleteDocuments': { role: 'client', class: 'publish' },
  '/starling.v1.SearchService/Query': { role: 'client', class: 'search' },
  '/starling.v1.LookupService/PutRecord': { role: 'client', class: 'publish' },
  '/starling.v1.LookupService/GetRecord': { role: 'client', class: 'lookup' },
  '/starling.v1.LookupService/FindPeers': { role: 'viewer', class: 'lookup' },
  '/starling.v1.SearchService/Respond': { role: 'responder', class: 'read' },
  '/starling.v1.AdminService/GetPeer': { role: 'viewer', class: 'read' },
  '/starling.v1.AdminService/ListPeers': { role: 'viewer', class: 'read' },
  '/starling.v1.AdminService/QueryPeers': { role: 'viewer', class: 'search' },
  '/starling.v1.AdminService/WatchTopology': { role: 'viewer', class: 'read' },
  '/starling.v1.AdminService/Drain': { role: 'operator', class: 'admin' },
  '/starling.v1.AdminService/BanPeer': { role: 'operator', class: 'admin' },
  '/starling.v1.AdminService/UnbanPeer': { role: 'operator', class: 'admin' },
  '/starling.v1.AdminService/ListBans': { role: 'viewer', class: 'read' },
  '/grpc.health.v1.Health/Check': { role: 'viewer', class: 'read' },
  '/grpc.health.v1.Health/Watch': { role: 'viewer', class: 'read' },
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': { role: 'viewer', class: 'read' },
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': { role: 'viewer', class: 'read' },
};
