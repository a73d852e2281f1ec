# Needs: the two sheets and, if the configuration names or asks for them, tables of similarity.
# Makes: the cell prototype graph, once without the unseen lines (for training) and once with all, and a
# picture of it.


rule build_prototype_graph:
    """Relate cell lines by tissue, germ layer and similarity."""
    input:
        similarities=lambda wildcards: [
            str(table.path) for table in PROJECT.graph_settings(wildcards.scope).similarities
        ],
    output:
        "results/graph/{scope}/graph.json",
    log:
        "logs/build_prototype_graph/{scope}.log",
    benchmark:
        "benchmarks/build_prototype_graph/{scope}.tsv"
    # What the user brings is read first, so that a mistake in it stops a run before any work.
    priority: 10
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(200),
        runtime=minutes(10),
    params:
        code=code("cbat.graph.build"),
        cell_lines=sheet("cell_lines"),
        tissues=sheet("tissues"),
        rows=lambda wildcards: rows(
            scope_rows(wildcards.scope), "cell_line", "tissue", "role", "condition", "sex"
        ),
        tissue_rows=rows(PROJECT.tissues, "tissue", "germ_layer", "parent"),
        settings=lambda wildcards: PROJECT.graph_settings(wildcards.scope).model_dump_json(),
    message:
        "Relate the cell lines by tissue and similarity ({wildcards.scope} lines)."
    shell:
        "cbat build_prototype_graph --cell-lines {params.cell_lines:q} --tissues {params.tissues:q}"
        " --scope {wildcards.scope} --settings {params.settings:q} --directory results/graph/{wildcards.scope}"
        " > {log} 2>&1"


rule plot_prototype_graph:
    """Draw the cell prototype graph."""
    input:
        graph="results/graph/all/graph.json",
    output:
        report(
            "results/graph/all/graph.svg",
            caption="../report/prototype_graph.rst",
            category="Cell lines",
            labels={"result": "Cell prototype graph"},
        ),
    log:
        "logs/plot_prototype_graph/all.log",
    benchmark:
        "benchmarks/plot_prototype_graph/all.tsv"
    conda:
        "../envs/plots.yaml"
    resources:
        mem_mb=memory(200),
        runtime=minutes(10),
    params:
        code=code("cbat.graph.picture"),
        settings=settings("figures"),
    message:
        "Draw the cell prototype graph."
    shell:
        "cbat plot_prototype_graph --graph {input.graph} --output {output} --settings {params.settings:q}"
        " > {log} 2>&1"
