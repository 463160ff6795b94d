# The image: lastcall as the init of a Node.js image, with examples/jobs as what it runs.
# For your own service keep the first two stages and copy your files instead of the example's.
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY LICENSE tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/schema.ts scripts/
COPY scripts/lib/bundle.ts scripts/lib/bytecode.ts scripts/lib/licenses.ts scripts/lib/paths.ts scripts/lib/types.ts scripts/lib/
COPY src src
RUN node --disable-warning=ExperimentalWarning scripts/build.ts

FROM ${NODE_IMAGE} AS package
WORKDIR /app/node_modules/lastcall
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts && rm package-lock.json
COPY LICENSE ./
COPY --from=build /build/dist dist

FROM ${NODE_IMAGE}
WORKDIR /app
COPY --from=package /app /app
# On PATH for `docker exec`.
RUN ln -s /app/node_modules/lastcall/dist/main.cjs /usr/local/bin/lastcall
COPY examples/jobs ./
# Finds mistakes now, and keeps the TypeScript without its types.
RUN lastcall check
USER node
# Node.js itself is PID 1: no shell, no npm, nothing between the stop signal and the init.
ENTRYPOINT ["node", "/app/node_modules/lastcall/dist/main.cjs"]
CMD ["run"]
