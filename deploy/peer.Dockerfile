# One peer, with the `starling` command and the mesh's own check (`mesh-check`, run by `helm test`).
#   docker build -f deploy/peer.Dockerfile -t starling-peer:0.1.0 .

# The manifests alone, so that the next stage is built again only when one of them changes.
FROM node:24-bookworm-slim AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete && find . -type d -empty -delete

FROM node:24-bookworm-slim AS dependencies
WORKDIR /src
COPY --from=manifests /src ./
RUN npm ci --ignore-scripts

FROM dependencies AS build
COPY . .
RUN npm run build -w @starling/peer -w @starling/cli \
 && node e2e/k8s/mesh-check/build.ts /out/mesh-check.cjs \
 && cp apps/peer/dist/main.js /out/peer.mjs \
 && cp apps/peer/dist/index-worker.mjs /out/ \
 && cp apps/cli/dist/starling.js /out/starling.mjs \
 && node tools/sbom.ts @starling/peer @starling/cli >/out/sbom.cdx.json

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Starling peer" org.opencontainers.image.licenses="Apache-2.0"
# Two arenas instead of eight for each core: 5 MiB less at rest (apps/cli/src/up/peer-memory.ts).
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=build /out ./
COPY LICENSE ./
COPY deploy/bin/ /usr/local/bin/
# Where a volume is mounted to keep the key; without one, a start makes a new key.
RUN install -d -o 65532 -g 65532 -m 700 /var/lib/starling
USER 65532:65532
EXPOSE 7400 7401 7402
# Node.js is process 1 and takes SIGTERM itself.
CMD ["node", "/app/peer.mjs"]
