# The machine that Attic is developed on, for systems other than Debian: scripts/setup on Debian 13, and nothing else.
#
#   docker build -t attic .
#   docker run --rm -it --user "$(id -u):$(id -g)" -v "$PWD":/attic attic make run
FROM debian:13
COPY scripts/setup /tmp/setup
RUN /tmp/setup dev && rm /tmp/setup
WORKDIR /attic
CMD ["make", "run"]
