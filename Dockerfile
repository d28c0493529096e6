# The explorer on a CPU, for a lecture or a public page: docs/hosting.md. With a GPU leave the index out.
FROM python:3.12-slim
WORKDIR /explorer
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt
COPY . .
RUN useradd --create-home --uid 1000 explorer && mkdir /workspace && chown explorer /workspace
USER explorer
ENV EXPLORER_WORKSPACE=/workspace
EXPOSE 7860
CMD ["python", "-m", "explorer", "--host", "0.0.0.0", "--port", "7860", "--read-only"]
