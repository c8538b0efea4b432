import { type DynamicModule, Module } from '@nestjs/common';
import { AdminController } from './api/admin.controller.ts';
import { LookupController } from './api/lookup.controller.ts';
import { MeshController } from './api/mesh.controller.ts';
import { SearchController } from './api/search.controller.ts';
import { HttpController } from './http/http.controller.ts';
import type { Logs } from './logs/logs.ts';
import type { Peer } from './peer.ts';
import { LOGS, PEER } from './tokens.ts';

@Module({})
class AppModule {}

/** Nest's part of a peer: unary methods and HTTP. The peer itself is a plain object that is made before and handed in. */
export function appModule(peer: Peer, logs: Logs): DynamicModule {
  return {
    module: AppModule,
    controllers: [MeshController, SearchController, LookupController, AdminController, HttpController],
    providers: [
      { provide: PEER, useFactory: () => peer },
      { provide: LOGS, useFactory: () => logs },
    ],
  };
}
