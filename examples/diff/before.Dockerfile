FROM acme/base:1.4 AS web
COPY . /srv
CMD ["serve", "--port", "80"]

FROM web AS debug
CMD ["serve", "--port", "80", "--verbose"]
