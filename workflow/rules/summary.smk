# Needs: metrics and scored pairs of every model, seed and cell line, and the metrics of the references.
# Makes: the long table that everything is read from, short tables, what they mean in words, and the first page
# of the report; what was read of each cell line; a list of collapsed models; what all was made of and with.

# They hold the signs of collapse that training has seen.
MODELS = expand(
    "results/models/{model}/seed_{seed}/model.json",
    model=PROJECT.sequence_models,
    seed=PROJECT.config.seeds,
)


rule summarise_evaluation:
    """Gather all figures in one table and say what they mean."""
    input:
        tables=evaluations("metrics.tsv") + REFERENCES,
        scored_pairs=evaluations("scored_pairs.parquet"),
        models=MODELS,
        peers=[str(path) for path in PEERS.values()],
    output:
        metrics="results/summary/metrics.tsv",
        summary="results/summary/summary.tsv",
        ablations="results/summary/ablations.tsv",
        grid="results/summary/grid.tsv",
        # Empty where no landscape is read, or no other tool is named.
        landscape_sources="results/summary/landscape_sources.tsv",
        peers="results/summary/peers.tsv",
        words="results/summary/summary.txt",
        first_page="results/summary/first_page.rst",
    log:
        "logs/summarise_evaluation/summary.log",
    benchmark:
        "benchmarks/summarise_evaluation/summary.tsv"
    # The report and most figures wait for it.
    priority: 1
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(60),
    params:
        code=code("cbat.evaluation.summary"),
        settings=settings("evaluation", *HEADLINE_KEYS, "n_bootstrap", "seed"),
        baseline=PROJECT.config.baseline,
        full_model=PROJECT.config.full_model,
        differences=json.dumps(PROJECT.differences()),
        laws=PROJECT.landscape_models,
        peers=PEER_OPTIONS,
    message:
        "Summarise all metrics, in tables and in words."
    shell:
        "cbat summarise_evaluation --tables {input.tables} --scored-pairs {input.scored_pairs}"
        " --settings {params.settings:q} --baseline {params.baseline} --full-model {params.full_model}"
        " --models {input.models} --differences {params.differences:q} --laws {params.laws} {params.peers:q}"
        " --directory results/summary > {log} 2>&1"


rule describe_inputs:
    """Say what each cell line brought, what was left out, and what its support sets are drawn from."""
    input:
        labels=expand("results/labels/{cell_line}.json", cell_line=PROJECT.names()),
        elements=expand("results/elements/{cohort}/report.json", cohort=COHORTS),
        tracks=expand("results/tracks/{cell_line}.json", cell_line=TRACKED),
        signals=expand("results/signals/{cell_line}.json", cell_line=SIGNALLED),
        landscapes=expand(
            "results/landscape/{cell_line}/report.json",
            cell_line=PROJECT.names() if PROJECT.config.landscape is not None else [],
        ),
        genes="results/genes/genes.json" if PROJECT.config.landscape is not None else [],
    output:
        table="results/summary/inputs.tsv",
        first_page="results/summary/inputs.rst",
    log:
        "logs/describe_inputs/inputs.log",
    benchmark:
        "benchmarks/describe_inputs/inputs.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("cbat.evaluation.input_report"),
        cell_lines=PROJECT.names(),
        support_elements=PROJECT.config.shards.support_elements if PROJECT.sequence_models else [],
        expected_from=EXPECTED_FROM if TRACKED else [],
        signals=lambda wildcards, input: ["--signals", *input.signals] if input.signals else [],
        landscape=lambda wildcards, input: (
            ["--landscapes", *input.landscapes, "--genes", input.genes] if input.landscapes else []
        ),
    message:
        "Say what each cell line brought and what was left out."
    shell:
        "cbat describe_inputs --cell-lines {params.cell_lines} --labels {input.labels}"
        " --elements {input.elements} --support-elements {params.support_elements}"
        " --tracks {input.tracks} --expected-from {params.expected_from} {params.signals}"
        " {params.landscape} --table {output.table} --first-page {output.first_page} > {log} 2>&1"


rule check_collapse:
    """List models that have collapsed; stop for them, if the configuration asks for that."""
    input:
        metrics="results/summary/metrics.tsv",
        models=MODELS,
    output:
        "results/summary/collapsed.tsv",
    log:
        "logs/check_collapse/collapse.log",
    benchmark:
        "benchmarks/check_collapse/collapse.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("cbat.evaluation.collapse_check"),
        settings=settings("evaluation", *HEADLINE_KEYS),
        training=settings("training", "fail_on_collapse"),
    message:
        "Look for models that have collapsed."
    shell:
        "cbat check_collapse --metrics {input.metrics} --settings {params.settings:q}"
        " --models {input.models} --training {params.training:q} --output {output} > {log} 2>&1"


rule record_versions:
    """Write down what the results were made of and with: revision, locks, configuration, data, seeds, device."""
    input:
        "results/summary/metrics.tsv",
        raw=sorted({str(path) for path in PROJECT.files()}),
        manifests=expand(
            "results/shards/{cell_line}/manifest.json",
            cell_line=PROJECT.names() if PROJECT.sequence_models else [],
        ),
        models=expand(
            "results/models/{model}/seed_{seed}/versions.json",
            model=PROJECT.sequence_models,
            seed=PROJECT.config.seeds,
        ),
    output:
        "results/versions.json",
    log:
        "logs/record_versions/versions.log",
    benchmark:
        "benchmarks/record_versions/versions.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("cbat.evaluation.run_versions"),
        configuration=settings_of(PROJECT),
    message:
        "Write down what the results were made of."
    shell:
        "cbat record_versions --configuration {params.configuration:q} --raw {input.raw:q}"
        " --manifests {input.manifests} --models {input.models} --output {output} > {log} 2>&1"
