# The dashboard: Next.js' standalone server.
#   docker build -f deploy/dashboard.Dockerfile -t starling-dashboard:0.1.0 .

# The first two stages are those of peer.Dockerfile, word for word: what is built for one image is there for the other.
FROM node:24-bookworm-slim AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete && find . -type d -empty -delete

FROM node:24-bookworm-slim AS dependencies
WORKDIR /src
COPY --from=manifests /src ./
RUN npm ci --ignore-scripts

FROM dependencies AS build
ENV NEXT_TELEMETRY_DISABLED=1
COPY . .
RUN npm run build -w @starling/dashboard \
 && node tools/sbom.ts @starling/dashboard >/src/sbom.cdx.json

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Starling dashboard" org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 HOSTNAME=0.0.0.0 PORT=3000
WORKDIR /app
COPY --from=build /src/apps/dashboard/.next/standalone ./
COPY --from=build /src/sbom.cdx.json ./
COPY LICENSE ./
USER 65532:65532
EXPOSE 3000
CMD ["node", "/app/apps/dashboard/start.mjs"]
